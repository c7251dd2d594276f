/* tests/kinds/ext/mqueue.c -- a descriptor of a POSIX message queue: nothing that we know, but a plugin may (tests/cli/criu/plugins.py).
 *
 * harness: expect: refused POSIX message queue
 */

#include <mqueue.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	char message[8192], name[64];
	mqd_t q;

	subject_begin(argc, argv);
	snprintf(name, sizeof(name), "/criu-subject-%d", (int)getpid());
	mq_unlink(name); /* of an earlier run */
	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, NULL);
	if (q < 0)
		subject_skip("no message queues here");
	MUST(mq_send(q, "kept", 5, 3) == 0);

	subject_wait();

	CHECK(mq_receive(q, message, sizeof(message), NULL) == 5 && !strcmp(message, "kept"), "the message is gone: %s", strerror(errno));
	mq_unlink(name);
	return subject_end();
}
