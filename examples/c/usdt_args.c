// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The arguments of USDT probes as notes have them: SIZE@OPERAND, where a negative size is that of
 * a signed number and the operand is written as the assembler of the machine writes it.
 */
#define _GNU_SOURCE
#include "usdt.h"
#include <asm/ptrace.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a number; whether there is one. */
static int take_number(const char **at, int64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)**at) && **at != '-')
		return 0;
	*number = strtoll(*at, &end, 0);
	if (end == *at)
		return 0;
	*at = end;
	return 1;
}

static int take(const char **at, char c)
{
	if (**at != c)
		return 0;
	(*at)++;
	return 1;
}

static int take_word(const char **at, char *word, size_t room)
{
	size_t length = 0;

	while (isalnum((unsigned char)**at) && length + 1 < room)
		word[length++] = *(*at)++;
	word[length] = 0;
	return length > 0;
}

#if defined(__x86_64__)

static const struct {
	const char *names;
	uint16_t offset;
} registers[] = {
	{ " rax eax ax al ", offsetof(struct pt_regs, rax) },
	{ " rbx ebx bx bl ", offsetof(struct pt_regs, rbx) },
	{ " rcx ecx cx cl ", offsetof(struct pt_regs, rcx) },
	{ " rdx edx dx dl ", offsetof(struct pt_regs, rdx) },
	{ " rsi esi si sil ", offsetof(struct pt_regs, rsi) },
	{ " rdi edi di dil ", offsetof(struct pt_regs, rdi) },
	{ " rbp ebp bp bpl ", offsetof(struct pt_regs, rbp) },
	{ " rsp esp sp spl ", offsetof(struct pt_regs, rsp) },
	{ " r8 r8d r8w r8b ", offsetof(struct pt_regs, r8) },
	{ " r9 r9d r9w r9b ", offsetof(struct pt_regs, r9) },
	{ " r10 r10d r10w r10b ", offsetof(struct pt_regs, r10) },
	{ " r11 r11d r11w r11b ", offsetof(struct pt_regs, r11) },
	{ " r12 r12d r12w r12b ", offsetof(struct pt_regs, r12) },
	{ " r13 r13d r13w r13b ", offsetof(struct pt_regs, r13) },
	{ " r14 r14d r14w r14b ", offsetof(struct pt_regs, r14) },
	{ " r15 r15d r15w r15b ", offsetof(struct pt_regs, r15) },
	{ " rip eip ", offsetof(struct pt_regs, rip) },
};

static int take_register(const char **at, uint16_t *offset)
{
	char word[6], padded[8];

	if (!take(at, '%') || !take_word(at, word, sizeof word))
		return 0;
	snprintf(padded, sizeof padded, " %s ", word);
	for (size_t n = 0; n < sizeof registers / sizeof *registers; n++) {
		if (strstr(registers[n].names, padded)) {
			*offset = registers[n].offset;
			return 1;
		}
	}
	return 0;
}

/* What stands between the parentheses: base, or base, index, and scale. */
static int take_address(const char **at, struct usdt_argument *a)
{
	int64_t scale = 1;

	a->place = USDT_MEMORY;
	if (!take(at, '(') || !take_register(at, &a->base))
		return 0;
	if (take(at, ',')) {
		a->place = USDT_INDEXED;
		if (!take_register(at, &a->index) || (take(at, ',') && !take_number(at, &scale)))
			return 0;
		while (a->shift < 3 && 1 << a->shift != scale)
			a->shift++;
		if (1 << a->shift != scale)
			return 0;
	}
	return take(at, ')');
}

/* $5   %eax   -16(%rbp)   8(%rdx,%rcx,4) */
static int take_operand(const char **at, struct usdt_argument *a)
{
	if (take(at, '$')) {
		a->place = USDT_CONSTANT;
		return take_number(at, &a->value);
	}
	if (**at == '%') {
		a->place = USDT_REGISTER;
		return take_register(at, &a->base);
	}
	take_number(at, &a->value);
	return take_address(at, a);
}

#elif defined(__aarch64__)

static int take_register(const char **at, uint16_t *offset)
{
	char word[6];
	char *end;
	long number;

	if (!take_word(at, word, sizeof word))
		return 0;
	if (!strcmp(word, "sp")) {
		*offset = offsetof(struct user_pt_regs, sp);
		return 1;
	}
	number = strtol(word + 1, &end, 10);
	*offset = offsetof(struct user_pt_regs, regs) + 8 * number;
	return (*word == 'x' || *word == 'w') && end > word + 1 && !*end && number >= 0 && number < 31;
}

/* 5   x1   [sp]   [x0, 16] */
static int take_operand(const char **at, struct usdt_argument *a)
{
	if (take(at, '[')) {
		a->place = USDT_MEMORY;
		if (!take_register(at, &a->base))
			return 0;
		if (take(at, ',') && (take(at, ' '), !take_number(at, &a->value)))
			return 0;
		return take(at, ']');
	}
	if (take_number(at, &a->value)) {
		a->place = USDT_CONSTANT;
		return 1;
	}
	a->place = USDT_REGISTER;
	return take_register(at, &a->base);
}

#else

static int take_operand(const char **at, struct usdt_argument *a)
{
	(void)at;
	(void)a;
	return 0;
}

#endif

static int take_argument(const char **at, struct usdt_argument *a)
{
	int64_t size;

	memset(a, 0, sizeof *a);
	if (!take_number(at, &size) || !take(at, '@') || !take_operand(at, a))
		return 0;
	a->is_signed = size < 0;
	a->size = size < 0 ? -size : size;
	return (size >= -8 && size <= 8) && (a->size == 1 || a->size == 2 || a->size == 4 || a->size == 8);
}

int read_usdt_arguments(const char *text, struct usdt_argument *list)
{
	int count = 0;

	for (;;) {
		while (take(&text, ' '))
			;
		if (!*text)
			return count;
		if (count == USDT_ARGUMENTS_MAX || !take_argument(&text, &list[count]))
			return -1;
		if (*text && *text != ' ')
			return -1;
		count++;
	}
}
