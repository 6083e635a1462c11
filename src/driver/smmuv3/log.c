/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A formatter of the size this driver needs.  The line is built in a buffer on
 * the stack; what does not fit is dropped, so nothing here can fail.
 */
#include <stdarg.h>

#include <uiommu/env.h>

#include "log.h"

#define LINE_MAX 160

struct line {
	char text[LINE_MAX];
	size_t len;
};

static void put_char(struct line *line, char c)
{
	if (line->len + 1 < sizeof(line->text))
		line->text[line->len++] = c;
}

static void put_str(struct line *line, const char *s)
{
	if (!s)
		s = "(null)";
	while (*s)
		put_char(line, *s++);
}

static void put_num(struct line *line, unsigned long long v, unsigned int base)
{
	char digits[20];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		put_char(line, digits[--n]);
}

/* One conversion; returns the character after it. */
static const char *put_conv(struct line *line, const char *fmt, va_list *ap)
{
	bool wide = false;

	while (*fmt == 'l') {
		wide = true;
		fmt++;
	}
	switch (*fmt) {
	case 's':
		put_str(line, va_arg(*ap, const char *));
		break;
	case 'u':
	case 'x':
		put_num(line,
			wide ? va_arg(*ap, unsigned long long)
			     : va_arg(*ap, unsigned int),
			*fmt == 'x' ? 16 : 10);
		break;
	case '\0':
		return fmt;
	default:
		put_char(line, *fmt);
		break;
	}
	return fmt + 1;
}

void smmuv3_log(const struct uiommu_platform *p, enum uiommu_log_level level,
		const char *fmt, ...)
{
	struct line line;
	va_list ap;

	if (!p->log)
		return;
	line.len = 0;
	put_str(&line, "smmuv3: ");
	va_start(ap, fmt);
	while (*fmt) {
		if (*fmt == '%')
			fmt = put_conv(&line, fmt + 1, &ap);
		else
			put_char(&line, *fmt++);
	}
	va_end(ap);
	line.text[line.len] = '\0';
	p->log(p->ctx, level, line.text);
}
