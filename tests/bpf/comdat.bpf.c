/*
 * C++: each instance of a template is a section of its own, of the same name as
 * the others.
 */
#define SOCKET __attribute__((section("socket")))

template <int N> SOCKET __attribute__((noinline)) int scaled(int x)
{
	asm volatile("" : "+r"(x));
	return x * N;
}

extern "C" SOCKET int prog(void *ctx)
{
	return scaled<3>(1) + scaled<5>(2);
}
