/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers by load and store: mappings in pieces, protections, faults of the
 * program's own beside ours, signal stacks and masks, fork and threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#include "client.h"

static sigjmp_buf back;
static volatile sig_atomic_t caught, code;
static void *volatile fault_addr;
static char alternate[16384];
static volatile int on_alternate;
static volatile uintptr_t nowhere = 8;

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	char here;

	caught = sig;
	code = info->si_code;
	fault_addr = info->si_addr;
	on_alternate = &here >= alternate &&
		       &here < alternate + sizeof(alternate);
	siglongjmp(back, 1);
}

static void handle(int sig, int flags)
{
	struct sigaction sa = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | flags,
	}, old;

	CHECK(!sigaction(sig, &sa, NULL));
	CHECK(!sigaction(sig, NULL, &old));
	CHECK(old.sa_sigaction == on_fault);
}

static int faults_at(volatile uint8_t *addr)
{
	caught = 0;
	if (sigsetjmp(back, 1))
		return caught == SIGSEGV &&
		       fault_addr == (void *)(uintptr_t)addr;
	return *addr & 0;
}

static void registers(struct client *c)
{
	uint8_t byte;

	CHECK(rd8(c, CHANCNT) == 1);
	CHECK(rd8(c, CBVER) == 0x33);
	wr16(c, INTRDELAY, 0x1234);
	CHECK(rd16(c, INTRDELAY) == 0x1234);
	CHECK(pread(c->device, &byte, 1, CBVER) == 1 && byte == 0x33);
	wr64(c, CHAINADDR, 0x123456789abc0040);
	CHECK(rd64(c, CHAINADDR) == 0x123456789abc0040);
	*(volatile uint16_t *)(c->bar + INTRDELAY) |= 0x8;
	CHECK(rd16(c, INTRDELAY) == 0x123c);
}

/* A mapping comes, and goes again. */
static int come_and_go(struct client *c)
{
	volatile uint8_t *second = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE,
					MAP_SHARED, c->device, 0);

	CHECK(second != MAP_FAILED && second[CBVER] == 0x33);
	CHECK(!munmap((void *)(uintptr_t)second, 0x1000));
	return faults_at(second);
}

/* As libvfn does: one mapping for registers, another for doorbells. */
static void pieces(struct client *c)
{
	volatile uint8_t *fixed;
	int tries = 0;
	void *room;

	/* A thread of a sanitizer may put something there before we look. */
	while (!come_and_go(c))
		CHECK(++tries < 100);
	/* The kernel's selftests map at an aligned place they reserved. */
	room = mmap(NULL, 0x10000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	fixed = mmap((char *)room + 0x4000, BAR_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, c->device, 0);
	CHECK(fixed == (volatile uint8_t *)room + 0x4000);
	CHECK(fixed[CBVER] == 0x33);
	CHECK(!munmap((char *)room + 0x5000, 0x1000));
	CHECK(fixed[CBVER] == 0x33);
	CHECK(faults_at(fixed + 0x1000));
	(void)fixed[0x3ff0]; /* the piece behind the hole */
	/* Calls that fail change nothing. */
	CHECK_FAILS(munmap(room, (size_t)1 << 50), EINVAL);
	CHECK(mmap(room, 0x10000, PROT_READ, MAP_PRIVATE | MAP_FIXED, 12345,
		   0) == MAP_FAILED);
	CHECK(fixed[CBVER] == 0x33);
	/* Only readable: a store is the program's fault. */
	CHECK(!mprotect((void *)(uintptr_t)fixed, 0x1000, PROT_READ));
	CHECK(fixed[CBVER] == 0x33);
	caught = 0;
	if (!sigsetjmp(back, 1))
		fixed[INTRCTRL] = 1;
	CHECK(caught == SIGSEGV);
	CHECK(mmap(room, 0x10000, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == room);
	fixed[CBVER] = 5; /* plain memory now */
	CHECK(fixed[CBVER] == 5);
	CHECK(!munmap(room, 0x10000));
	CHECK(mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, c->device, 0x100000) ==
	      MAP_FAILED);
}

static void own_faults(struct client *c)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	sigset_t set;

	handle(SIGSEGV, 0);
	CHECK(faults_at(NULL));
	CHECK(rd8(c, CBVER) == 0x33);
	CHECK(faults_at((volatile uint8_t *)64));
	CHECK(faults_at((volatile uint8_t *)64)); /* again and again */
	CHECK(!on_alternate);
	CHECK(!sigaltstack(&stack, NULL));
	CHECK(faults_at((volatile uint8_t *)64) && !on_alternate);
	handle(SIGSEGV, SA_ONSTACK);
	CHECK(faults_at((volatile uint8_t *)64) && on_alternate);
	CHECK(rd8(c, CBVER) == 0x33);
	/* Blocking everything, as worker threads do. */
	sigfillset(&set);
	CHECK(!sigprocmask(SIG_SETMASK, &set, NULL));
	CHECK(rd8(c, CBVER) == 0x33);
	sigemptyset(&set);
	CHECK(!sigprocmask(SIG_SETMASK, &set, NULL));
	/* Sent, not suffered. */
	caught = 0;
	if (!sigsetjmp(back, 1))
		raise(SIGSEGV);
	CHECK(caught == SIGSEGV && code <= 0);
	handle(SIGSEGV, 0);
}

static void *reader(void *arg)
{
	struct client *c = arg;
	sigset_t set;

	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	for (int i = 0; i < 2000; i++)
		CHECK(rd8(c, CBVER) == 0x33);
	return NULL;
}

static void threads(struct client *c)
{
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&thread[i], NULL, reader, c));
	/* Mappings come and go meanwhile. */
	for (int i = 0; i < 300; i++) {
		void *at =
			mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, c->device, 0);

		CHECK(at != MAP_FAILED && !munmap(at, 0x1000));
	}
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

static void children(struct client *c)
{
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (!pid) {
			CHECK(rd8(c, CBVER) == 0x33);
			wr16(c, INTRDELAY, 0x0321);
			CHECK(rd16(c, INTRDELAY) == 0x0321);
			_exit(7);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
	CHECK(rd8(c, CBVER) == 0x33);
}

static void fault_again(int sig)
{
	*(volatile uint8_t *)(uintptr_t)nowhere = 1;
}

/* A fault in the handler of faults is deadly, as without us. */
static void nested_deaths(struct client *c)
{
	struct sigaction sa = { .sa_handler = fault_again };
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!sigaction(SIGSEGV, &sa, NULL));
		CHECK(rd8(c, CBVER) == 0x33);
		fault_again(0);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* A child without a handler dies of its own fault, by the right signal. */
static void deaths(struct client *c)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		CHECK(rd8(c, CBVER) == 0x33);
		*(volatile uint8_t *)(uintptr_t)nowhere = 1;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
	struct client c;

	handle(SIGSEGV, 0); /* before the first open */
	client_open(&c);
	registers(&c);
	pieces(&c);
	own_faults(&c);
	threads(&c);
	children(&c);
	deaths(&c);
	nested_deaths(&c);
	return 0;
}
