/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Arguments of a USDT probe: where the program that declares it has them when it comes by. */
#ifndef EXAMPLES_USDT_H
#define EXAMPLES_USDT_H

#include <stddef.h>
#include <stdint.h>

#define USDT_ARGUMENTS_MAX 12

/* The numbers that <bpf/usdt.bpf.h> has for them. */
enum usdt_place { USDT_CONSTANT, USDT_REGISTER, USDT_MEMORY, USDT_INDEXED };

struct usdt_argument {
	enum usdt_place place;
	int64_t value;	       /* the constant, or what is added to the address */
	uint16_t base, index;  /* registers, by their offsets in struct pt_regs */
	uint8_t shift;	       /* of the index */
	uint8_t size;	       /* 1, 2, 4 or 8 bytes */
	uint8_t is_signed;
};

/* Reads what a note says of the arguments, `-4@%edi 8@-16(%rbp)`: how many there are, or -1
 * where it has a form that is not known here. */
int read_usdt_arguments(const char *text, struct usdt_argument *list);

#endif
