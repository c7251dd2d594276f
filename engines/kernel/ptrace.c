/* kernel/ptrace.c -- ptrace(2), each request wrapped once. */

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "kernel/ptrace.h"

#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f
#endif
#ifndef PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG /* Linux 6.4 */
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
#endif

#ifndef PTRACE_SECCOMP_GET_METADATA
#define PTRACE_SECCOMP_GET_METADATA 0x420d
#endif

/* Of linux/ptrace.h, which does not go together with sys/ptrace.h. */
struct rseq_configuration {
	uint64_t rseq_abi_pointer;
	uint32_t rseq_abi_size;
	uint32_t signature;
	uint32_t flags;
	uint32_t pad;
};

struct dispatch_config {
	uint64_t mode; /* 0: off */
	uint64_t selector, offset, len;
};

struct filter_metadata {
	uint64_t filter_off, flags;
};

enum {
	SYSCALL_STOP = SIGTRAP | 0x80, /* with PTRACE_O_TRACESYSGOOD */
	PEEK_AT_ONCE = 64,
	SEIZE_TRY_NS = 100000000,
};

struct kern_stop kern_stop_of(int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (WIFEXITED(status))
		return (struct kern_stop){ KERN_STOP_EXITED, WEXITSTATUS(status) };
	if (WIFSIGNALED(status))
		return (struct kern_stop){ KERN_STOP_KILLED, WTERMSIG(status) };
	if (event == PTRACE_EVENT_STOP && sig == SIGTRAP)
		return (struct kern_stop){ KERN_STOP_INTERRUPT, 0 };
	if (event == PTRACE_EVENT_STOP)
		return (struct kern_stop){ KERN_STOP_GROUP, sig };
	if (event)
		return (struct kern_stop){ KERN_STOP_EVENT, event };
	if (sig == SYSCALL_STOP)
		return (struct kern_stop){ KERN_STOP_SYSCALL, 0 };
	return (struct kern_stop){ KERN_STOP_SIGNAL, sig };
}

const char *kern_stop_name(enum kern_stop_kind kind)
{
	static const char *const names[] = {
		[KERN_STOP_EXITED] = "exit",
		[KERN_STOP_KILLED] = "death by signal",
		[KERN_STOP_INTERRUPT] = "interrupt stop",
		[KERN_STOP_GROUP] = "group stop by signal",
		[KERN_STOP_SIGNAL] = "delivery of signal",
		[KERN_STOP_SYSCALL] = "system call stop",
		[KERN_STOP_EVENT] = "stop by event",
	};

	return names[kind];
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

int kern_wait_stop(pid_t tid, int timeout_ms, struct kern_stop *stop, struct img_err *err)
{
	int64_t until = now_ms() + timeout_ms;
	sigset_t chld;
	int status;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
		struct timespec left;
		int64_t ms;

		if (got == tid) {
			*stop = kern_stop_of(status);
			return 1;
		}
		if (got < 0 && errno != EINTR)
			return img_fail_sys(err, "wait for thread %d", tid);
		ms = until - now_ms();
		if (ms <= 0)
			return 0;
		/* A stop between the two calls leaves the signal pending: nothing is missed. */
		left = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
		sigtimedwait(&chld, NULL, &left);
	}
}

/* ---- seizing ---- */

struct kern_seizer {
	timer_t timer;
	struct sigaction before;
	volatile sig_atomic_t armed;
	sigjmp_buf out;
};

/* The kernel starts the call again after any signal: the only way out of it is not to return to it. */
static void leave_seize(int sig, siginfo_t *info, void *context)
{
	struct kern_seizer *s = info->si_value.sival_ptr;

	if (!s->armed)
		return;
	s->armed = 0;
	siglongjmp(s->out, 1);
}

struct kern_seizer *kern_seizer_new(struct img_err *err)
{
	struct kern_seizer *s = calloc(1, sizeof(*s));
	struct sigaction sa = { .sa_sigaction = leave_seize, .sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };

	if (!s) {
		img_fail_nomem(err);
		return NULL;
	}
	ev.sigev_value.sival_ptr = s;
	ev._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ev, &s->timer) < 0) {
		img_fail_sys(err, "timer_create");
		free(s);
		return NULL;
	}
	sigaction(SIGALRM, &sa, &s->before);
	return s;
}

void kern_seizer_free(struct kern_seizer *s)
{
	if (!s)
		return;
	timer_delete(s->timer);
	sigaction(SIGALRM, &s->before, NULL);
	free(s);
}

int kern_ptrace_seize(struct kern_seizer *s, pid_t tid, unsigned long options, struct img_err *err)
{
	/* Again and again, should the first one come before the call. */
	const struct itimerspec soon = { { 0, SEIZE_TRY_NS }, { 0, SEIZE_TRY_NS } },
				never = { { 0, 0 }, { 0, 0 } };
	long ret;

	if (!s) {
		if (ptrace(PTRACE_SEIZE, tid, NULL, options | PTRACE_O_TRACESYSGOOD) < 0)
			return img_fail_sys(err, "seize thread %d", tid);
		return 1;
	}
	if (sigsetjmp(s->out, 1)) {
		timer_settime(s->timer, 0, &never, NULL);
		/* The clock may have struck when the call was just done: an interrupt, which the caller
		 * orders next anyway, works for a thread that is ours only. */
		return ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0;
	}
	timer_settime(s->timer, 0, &soon, NULL);
	s->armed = 1;
	ret = ptrace(PTRACE_SEIZE, tid, NULL, options | PTRACE_O_TRACESYSGOOD);
	s->armed = 0;
	timer_settime(s->timer, 0, &never, NULL);
	if (ret < 0)
		return img_fail_sys(err, "seize thread %d", tid);
	return 1;
}

int kern_ptrace_options(pid_t tid, unsigned long options, struct img_err *err)
{
	if (ptrace(PTRACE_SETOPTIONS, tid, NULL, options | PTRACE_O_TRACESYSGOOD) < 0)
		return img_fail_sys(err, "set ptrace options of thread %d", tid);
	return 0;
}

int kern_ptrace_interrupt(pid_t tid, struct img_err *err)
{
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return img_fail_sys(err, "interrupt thread %d", tid);
	return 0;
}

int kern_ptrace_resume(pid_t tid, int request, int signal, struct img_err *err)
{
	if (ptrace(request, tid, NULL, (void *)(long)signal) < 0)
		return img_fail_sys(err, "%s thread %d", request == PTRACE_DETACH ? "detach" : "resume", tid);
	return 0;
}

ssize_t kern_ptrace_get_regset(pid_t tid, int nt_type, void *buf, size_t size, struct img_err *err)
{
	struct iovec iov = { buf, size };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(long)nt_type, &iov) < 0)
		return img_fail_sys(err, "read register set %#x of thread %d", nt_type, tid);
	return iov.iov_len;
}

int kern_ptrace_set_regset(pid_t tid, int nt_type, const void *buf, size_t size, struct img_err *err)
{
	struct iovec iov = { (void *)buf, size };

	if (ptrace(PTRACE_SETREGSET, tid, (void *)(long)nt_type, &iov) < 0)
		return img_fail_sys(err, "write register set %#x of thread %d", nt_type, tid);
	return 0;
}

int kern_ptrace_get_sigmask(pid_t tid, uint64_t *mask, struct img_err *err)
{
	if (ptrace(PTRACE_GETSIGMASK, tid, (void *)sizeof(*mask), mask) < 0)
		return img_fail_sys(err, "read signal mask of thread %d", tid);
	return 0;
}

int kern_ptrace_set_sigmask(pid_t tid, uint64_t mask, struct img_err *err)
{
	if (ptrace(PTRACE_SETSIGMASK, tid, (void *)sizeof(mask), &mask) < 0)
		return img_fail_sys(err, "write signal mask of thread %d", tid);
	return 0;
}

int kern_ptrace_peek_signals(pid_t tid, bool shared, siginfo_t **infos, size_t *nr, struct img_err *err)
{
	struct __ptrace_peeksiginfo_args args = { .nr = PEEK_AT_ONCE };
	cleanup_free siginfo_t *found = NULL;

	args.flags = shared ? PTRACE_PEEKSIGINFO_SHARED : 0;
	for (;;) {
		siginfo_t *grown = reallocarray(found, args.off + PEEK_AT_ONCE, sizeof(*found));
		long got;

		if (!grown)
			return img_fail_nomem(err);
		found = grown;
		got = ptrace(PTRACE_PEEKSIGINFO, tid, &args, found + args.off);
		if (got < 0)
			return img_fail_sys(err, "read pending signals of thread %d", tid);
		args.off += got;
		if (got < PEEK_AT_ONCE)
			break;
	}
	*infos = steal_ptr(&found);
	*nr = args.off;
	return 0;
}

int kern_ptrace_get_rseq(
	pid_t tid, uint64_t *addr, uint32_t *size, uint32_t *sig, uint32_t *flags, struct img_err *err)
{
	struct rseq_configuration conf = { 0 };

	/* glibc's enum of requests may not know it yet: the system call itself takes any number. */
	if (syscall(SYS_ptrace, PTRACE_GET_RSEQ_CONFIGURATION, tid, sizeof(conf), &conf) < 0 &&
		errno != EIO && errno != EINVAL)
		return img_fail_sys(err, "read rseq of thread %d", tid);
	*addr = conf.rseq_abi_pointer;
	*size = conf.rseq_abi_size;
	*sig = conf.signature;
	*flags = conf.flags;
	return 0;
}

int kern_ptrace_dispatches(pid_t tid, struct img_err *err)
{
	struct dispatch_config conf = { 0 };

	if (syscall(SYS_ptrace, PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tid, sizeof(conf), &conf) < 0 &&
		errno != EIO && errno != EINVAL)
		return img_fail_sys(err, "read system call dispatch of thread %d", tid);
	return conf.mode != 0;
}

int kern_ptrace_get_filter(pid_t tid, unsigned long n, struct kern_filter *f, struct img_err *err)
{
	struct filter_metadata meta = { .filter_off = n };
	long nr = syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, tid, n, f->insns);

	if (nr < 0 && errno == ENOENT)
		return 0;
	if (nr < 0)
		return img_fail_sys(err, "read seccomp filter %lu of thread %d", n, tid);
	f->nr = nr;
	/* Linux 4.16. Before, there are no flags to tell of. */
	if (syscall(SYS_ptrace, PTRACE_SECCOMP_GET_METADATA, tid, sizeof(meta), &meta) < 0 && errno != EIO)
		return img_fail_sys(err, "read flags of seccomp filter %lu of thread %d", n, tid);
	f->flags = meta.flags;
	return 1;
}

int kern_vm_read(pid_t pid, uint64_t addr, void *buf, size_t size, struct img_err *err)
{
	struct iovec local = { buf, size }, remote = { (void *)addr, size };
	ssize_t got = size ? process_vm_readv(pid, &local, 1, &remote, 1, 0) : 0;

	if (got < 0)
		return img_fail_sys(err, "read %zu bytes at %#lx of pid %d", size, (unsigned long)addr, pid);
	if ((size_t)got != size)
		return img_fail(err, IMG_SYS, "read %zu bytes at %#lx of pid %d: only %zd are there", size,
			(unsigned long)addr, pid, got);
	return 0;
}

int kern_vm_write(pid_t pid, uint64_t addr, const void *buf, size_t size, struct img_err *err)
{
	struct iovec local = { (void *)buf, size }, remote = { (void *)addr, size };
	ssize_t put = size ? process_vm_writev(pid, &local, 1, &remote, 1, 0) : 0;

	if (put < 0)
		return img_fail_sys(err, "write %zu bytes at %#lx of pid %d", size, (unsigned long)addr, pid);
	if ((size_t)put != size)
		return img_fail(err, IMG_SYS, "write %zu bytes at %#lx of pid %d: only %zd could be", size,
			(unsigned long)addr, pid, put);
	return 0;
}
