/* engines/task/creds/keyrings-dump.c -- keys that a thread, its process or its session have for themselves (keyrings(7)): no image says
 * what is in them, and the kernel gives many of them to nobody. Named, so that they are not lost without a word. */

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>

#include "criu-dump/task_ops.h"
#include "criuimg/array.h"

extern const struct task_dump_ops keyrings_dump_ops;

/* Those that nobody else has. */
static const struct {
	int id;
	const char *what;
} rings[] = {
	{ KEY_SPEC_THREAD_KEYRING, "a thread keyring" },
	{ KEY_SPEC_PROCESS_KEYRING, "a process keyring" },
};

struct keys {
	long bytes[ARRAY_SIZE(rings)]; /* what its list of keys takes */
	long session, requested;
	char about[96]; /* the session's: "keyring;UID;GID;PERMISSIONS;NAME" */
};

/* The usual session keyring of a user (security/keys/process_keys.c). */
static const char usual_session[] = ";_uid_ses.";

static int keyrings_ask_thread(struct dump *d, struct dump_thread *th, struct inject_batch *b, struct img_err *err)
{
	struct keys *k = dump_keep_thread(d, th, &keyrings_dump_ops, sizeof(*k));

	if (!k)
		return img_fail_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		inject_call(b, &k->bytes[i], SYS_keyctl, inj_val(KEYCTL_READ), inj_val((long)rings[i].id), inj_val(0), inj_val(0));
	inject_call(b, &k->session, SYS_keyctl, inj_val(KEYCTL_DESCRIBE), inj_val((long)KEY_SPEC_SESSION_KEYRING),
		inj_out(k->about, sizeof(k->about) - 1), inj_val(sizeof(k->about) - 1));
	inject_call(b, &k->requested, SYS_keyctl, inj_val(KEYCTL_SET_REQKEY_KEYRING), inj_val((long)KEY_REQKEY_DEFL_NO_CHANGE));
	return 0;
}

/* The session's is most often that of a login, and its place is taken by that of whoever restores. */
static int session(struct dump *d, struct dump_thread *th, const struct keys *k, struct img_err *err)
{
	char own[sizeof(k->about)] = "";

	if (k->session <= 0 || strstr(k->about, usual_session))
		return 0;
	if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, own, sizeof(own) - 1) > 0 && !strcmp(own, k->about))
		return 0;
	if (d->opt->strict)
		return img_fail(err, IMG_UNSUPPORTED, "thread %d: its session keyring (%s) is not carried", th->tid, k->about);
	log_warn(d->log, "pid %d: thread %d: its session keyring (%s) is not carried: it gets that of criu-restore", th->task->pid,
		th->tid, k->about);
	return 0;
}

static int keyrings_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	const struct keys *k = dump_keep_thread(d, th, &keyrings_dump_ops, sizeof(*k));

	for (size_t i = 0; i < ARRAY_SIZE(rings); i++) {
		bool there = k->bytes[i] >= 0 || k->bytes[i] == -EACCES;

		/* An empty one is made anew by whoever asks for it. */
		if (there && k->bytes[i])
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: %s with keys is not supported", th->tid, rings[i].what);
	}
	if (k->requested > KEY_REQKEY_DEFL_DEFAULT)
		return img_fail(err, IMG_UNSUPPORTED,
			"thread %d: a keyring of its own choice for requested keys (KEYCTL_SET_REQKEY_KEYRING) is not supported",
			th->tid);
	return session(d, th, k, err);
}

const struct task_dump_ops keyrings_dump_ops = {
	.name = "keyrings",
	.ask_thread = keyrings_ask_thread,
	.thread = keyrings_thread,
};
