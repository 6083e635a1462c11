/* SPDX-License-Identifier: BSD-2-Clause */
/* The voice: a PL011, and how to fall silent. */
#include "rtos.h"

#include <stdarg.h>

#define UARTDR 0x00
#define UARTFR 0x18
#define UARTFR_TXFF (1u << 5)

static void put(char c)
{
	if (c == '\n')
		put('\r');
	while (read32(UART + UARTFR) & UARTFR_TXFF)
		;
	write32(UART + UARTDR, (uint8_t)c);
}

static void put_text(const char *text)
{
	while (*text)
		put(*text++);
}

static void put_number(uint64_t val, unsigned int base)
{
	char digits[21];
	unsigned int i = sizeof(digits) - 1;

	digits[i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[val % base];
		val /= base;
	} while (val);
	put_text(&digits[i]);
}

void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			put_text(va_arg(args, const char *));
			break;
		case 'u':
			put_number(va_arg(args, uint64_t), 10);
			break;
		case 'x':
			put_number(va_arg(args, uint64_t), 16);
			break;
		}
	}
	va_end(args);
}

/* Semihosting's SYS_EXIT; where no host listens this ends in trap(). */
void quit(int status)
{
	const uint64_t args[2] = { 0x20026 /* application exit */, status };
	register uint64_t op __asm__("x0") = 0x18;
	register const uint64_t *arg __asm__("x1") = args;

	__asm__ volatile("hlt #0xf000" : : "r"(op), "r"(arg) : "memory");
	for (;;)
		__asm__ volatile("wfi");
}

void trap(uint64_t esr, uint64_t elr, uint64_t far)
{
	static bool again;

	if (!again) {
		again = true;
		print("FAIL exception: ESR %x, ELR %x, FAR %x\n", esr, elr,
		      far);
		quit(3);
	}
	for (;;)
		__asm__ volatile("wfi");
}
