/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once: threads map, free, unmap and refill memory while the
 * device copies, BARs are mapped and unmapped, children are forked, and signals
 * come in the middle of calls.  No thread may find a byte in its own fresh memory
 * that it did not write, and no call is interrupted.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "client.h"

enum {
	THREADS = 3,
	ROUNDS = 300,
	PAGE = 4096
};

static struct client c;
static volatile int stop;
static volatile sig_atomic_t signals;

struct worker {
	pthread_t thread;
	unsigned int number;
	unsigned int seed;
};

static unsigned int next(struct worker *w)
{
	w->seed = w->seed * 1103515245 + 12345;
	return w->seed >> 16;
}

static void check_filled(const uint8_t *mem, size_t len, uint8_t byte)
{
	for (size_t i = 0; i < len; i++)
		CHECK(mem[i] == byte);
}

static void one_block(struct worker *w, uint64_t iova)
{
	size_t len = (next(w) % 4 + 1) * PAGE;
	uint8_t *mem = aligned_alloc(PAGE, len), *other;
	unsigned int how = next(w) % 4;

	memset(mem, (int)w->number, len);
	client_map(&c, iova, mem, len);
	other = malloc(len);
	memset(other, 0x40 + (int)w->number, len);
	if (how == 0)
		free(mem);
	else if (how == 1)
		mem = realloc(mem, len * 3);
	check_filled(other, len, (uint8_t)(0x40 + w->number));
	if (how)
		check_filled(mem, len, (uint8_t)w->number);
	client_unmap(&c, iova, len);
	free(other);
	if (how)
		free(mem);
}

static void one_mapping(struct worker *w, uint64_t iova)
{
	size_t len = (next(w) % 8 + 2) * PAGE;
	uint8_t *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(mem != MAP_FAILED);
	memset(mem, (int)w->number, len);
	client_map(&c, iova, mem, len);
	if (next(w) % 2) {
		CHECK(!munmap(mem, PAGE));
		check_filled(mem + PAGE, len - PAGE, (uint8_t)w->number);
		client_unmap(&c, iova, len);
		CHECK(!munmap(mem + PAGE, len - PAGE));
	} else {
		CHECK(mmap(mem, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) == mem);
		check_filled(mem, PAGE, 0);
		client_unmap(&c, iova, len);
		CHECK(!munmap(mem, len));
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t iova = (uint64_t)(w->number + 1) << 32;

		one_block(w, iova);
		one_mapping(w, iova);
	}
	return NULL;
}

/* BARs come and go; children are made and do a little. */
static void *disturb(void *arg)
{
	while (!stop) {
		volatile uint8_t *bar =
			mmap(NULL, PAGE, PROT_READ, MAP_SHARED, c.device, 0);
		pid_t pid;
		int status;

		CHECK(bar != MAP_FAILED && bar[CBVER] == 0x33);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			CHECK(bar[CBVER] == 0x33);
			free(malloc(8 * PAGE));
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid && !status);
		CHECK(!munmap((void *)(uintptr_t)bar, PAGE));
		usleep(2000);
	}
	return NULL;
}

static void on_signal(int sig)
{
	signals = 1;
}

int main(void)
{
	const struct sigaction act = { .sa_handler = on_signal };
	struct worker workers[THREADS];
	pthread_t disturber;
	uint8_t *own;

	CHECK(!sigaction(SIGUSR1, &act, NULL));
	client_open(&c);
	client_start_ioat(&c);
	own = aligned_alloc(PAGE, 3 * PAGE);
	client_map(&c, 0x10000000, own, 3 * PAGE);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .number = i + 1, .seed = i };
		CHECK(!pthread_create(&workers[i].thread, NULL, work,
				      &workers[i]));
	}
	CHECK(!pthread_create(&disturber, NULL, disturb, NULL));
	for (unsigned int i = 0; i < 500; i++) {
		memset(own + PAGE, (int)i, PAGE);
		/* One that has ended does not mind. */
		pthread_kill(workers[i % THREADS].thread, SIGUSR1);
		CHECK(client_copy(&c, (struct ioat_desc *)own, 0x10000000,
				  0x10002000, 0x10001000, PAGE) == STS_DONE);
		check_filled(own + 2 * PAGE, PAGE, (uint8_t)i);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(workers[i].thread, NULL));
	CHECK(signals);
	stop = 1;
	CHECK(!pthread_join(disturber, NULL));
	client_unmap(&c, 0x10000000, 3 * PAGE);
	free(own);
	return 0;
}
