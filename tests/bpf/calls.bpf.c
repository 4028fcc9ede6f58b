/*
 * Every way in which one function reaches another. Each program returns a
 * number that a test computes by hand from this text; each function has its
 * own factor, so that a call to the wrong one shows.
 */
#include "bpf.h"

static noinline u64 in_text(u64 x)
{
	barrier_var(x);
	return x * 2 + 1;
}

noinline u64 global_in_text(u64 x)
{
	barrier_var(x);
	return in_text(x) * 3;
}

weak noinline u64 weak_in_text(u64 x)
{
	barrier_var(x);
	return global_in_text(x) + 5;
}

/* Another executable section, whose functions are not first in it. */
SEC("lib") noinline u64 lib_first(u64 x)
{
	barrier_var(x);
	return x + 100;
}

SEC("lib") noinline u64 lib_second(u64 x)
{
	barrier_var(x);
	return x + 1000;
}

/* 2x + 1 */
SEC("socket/direct") int direct(void *ctx)
{
	return in_text(10); /* 21 */
}

/* Calls through three sections. */
SEC("socket/sections") int sections(void *ctx)
{
	return lib_second(weak_in_text(1)); /* (1*2+1)*3+5 = 14, +1000 = 1014 */
}

SEC("socket/both") int both(void *ctx)
{
	return lib_first(1) + lib_second(1); /* 101 + 1001 = 1102 */
}

/* An entry program that another entry program calls. */
SEC("socket/entry") noinline int called_entry(void *ctx)
{
	u64 x = 7;

	barrier_var(x);
	return global_in_text(x); /* 45 */
}

SEC("socket/calls_entry") int calls_entry(void *ctx)
{
	return called_entry(ctx) + 1; /* 46 */
}

/* Recursion: the factorial, once directly and once through a second function. */
static noinline u64 factorial(u64 n)
{
	u64 rest;

	barrier_var(n);
	if (n < 2)
		return 1;
	rest = factorial(n - 1);
	barrier_var(rest); /* else it becomes a loop */
	return n * rest;
}

noinline u64 ping(u64 n);
noinline u64 pong(u64 n)
{
	barrier_var(n);
	return n ? ping(n - 1) + 1 : 0;
}

noinline u64 ping(u64 n)
{
	barrier_var(n);
	return n ? pong(n - 1) + 10 : 0;
}

SEC("socket/recursion") int recursion(void *ctx)
{
	return factorial(5) + ping(4); /* 120 + 10+1+10+1 = 142 */
}

/* Callbacks: static, global and weak, none of them first in its section. */
static noinline int static_callback(u32 i, void *ctx)
{
	*(u64 *)ctx += i;
	return 0;
}

noinline int global_callback(u32 i, void *ctx)
{
	*(u64 *)ctx += 10 * i;
	return 0;
}

weak noinline int weak_callback(u32 i, void *ctx)
{
	*(u64 *)ctx += in_text(i);
	return 0;
}

SEC("lib") noinline int lib_callback(u32 i, void *ctx)
{
	*(u64 *)ctx += 1000 * i;
	return 0;
}

SEC("socket/callbacks") int callbacks(void *ctx)
{
	u64 sum = 0;

	bpf_loop(4, static_callback, &sum, 0); /* 0+1+2+3 = 6 */
	bpf_loop(3, global_callback, &sum, 0); /* 0+10+20 = 30 */
	bpf_loop(3, weak_callback, &sum, 0);   /* 1+3+5 = 9 */
	bpf_loop(2, lib_callback, &sum, 0);    /* 0+1000 */
	return sum; /* 1045 */
}

SEC("license") char _license[] = "GPL";
