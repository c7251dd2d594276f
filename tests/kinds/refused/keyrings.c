/* tests/kinds/refused/keyrings.c -- keys that a thread has for itself.
 *
 * harness: expect: refused a thread keyring with keys is not supported
 */

#include <linux/keyctl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

static pthread_barrier_t up;

static void *thread(void *arg)
{
	char text[8] = "";
	long key = syscall(SYS_add_key, "user", "a key", "secret", 6, KEY_SPEC_THREAD_KEYRING);

	if (key < 0)
		subject_skip("this kernel has no keys");
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	CHECK(syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof(text)) == 6 && !strcmp(text, "secret"), "the key is \"%s\"", text);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t id;

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, 2) == 0);
	MUST(pthread_create(&id, NULL, thread, NULL) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	pthread_join(id, NULL);
	return subject_end();
}
