/* Turn-taking between the three processes, and the status pipe to the supervisor. */
#ifndef CRT_SYNC_H
#define CRT_SYNC_H

#include "context.h"

/*
 *   supervisor        monitor            stage / init
 *       | --- plan ----> |                    |
 *       | <-- HELLO ---- |                    |
 *       |                | -- (clone) ------> |      birth: no message
 *       |                | <----- TURN ------ |      a step of the monitor comes next
 *       | <-- REPORT --- |                    |
 *       | -- CONTINUE -> |                    |
 *       |                | ------ TURN -----> |      a step of the child comes next
 *       |                | <-- TURN + fd ---- |      the console's master
 *       | <-- CREATED -- |                    |
 *       |                | <-- end of file -- x      exec: STARTED, or death
 *       | <-- STARTED -- |
 *       | -- SIGNAL ---> |                           also RESIZE; ABORT at any time
 *       | <-- TYPED ---- |                           a key made a signal that init does not handle
 *       | -- DETACH ---> |                           then the supervisor leaves, and nothing follows
 *       | <- DETACHED -- |
 *       | <-- EXITED --- |
 */
enum event {
	EVENT_HELLO = 1,
	EVENT_CREATED,
	EVENT_STEP,
	EVENT_REPORT,
	EVENT_STARTED,
	EVENT_FAILED,
	EVENT_EXITED,
	EVENT_TYPED,
	EVENT_DETACHED
};
/* SIGNAL: the number, and from bit 8 on the one that init would have swallowed, for which it is killed. ATTACH, CLOSE
 * and WAIT come over the control socket alone (control.h), DETACH over the status pipe. */
enum request {
	REQUEST_CONTINUE = 1,
	REQUEST_SIGNAL,
	REQUEST_RESIZE,
	REQUEST_ABORT,
	REQUEST_DETACH,
	REQUEST_ATTACH,
	REQUEST_CLOSE,
	REQUEST_WAIT
};

/* Little-endian, followed by `length` bytes of text. */
struct event_header {
	uint32_t kind, step;
	int64_t value;
	uint32_t micros, length;
};

struct request_record {
	uint32_t kind, value;
};

/* 0, or -1 when the supervisor is gone. */
int send_event(enum event kind, uint32_t step, int64_t value, uint32_t micros, const char *text);

/* Reads exactly `size` bytes: 1, 0 at end of file, -1 on an error. */
int read_all(int fd, void *buffer, size_t size);
/* Writes all of it: 0, or -1. */
int write_all(int fd, const void *bytes, size_t size);

int open_sync(struct context *context);
/* Gives the other side its turn, with a descriptor where `fd` is not -1. */
int give_turn(int socket, int fd);
/* Waits for the own turn in a child: 0, or -1 when the monitor is gone. */
int wait_turn(int socket);
/* Reads one message. TURN_FD came with a descriptor: *fd, -1 where there was no room for it. TURN_NONE is the end. */
enum turn { TURN_NONE, TURN, TURN_FD };
enum turn take_turn(int socket, int *fd);

#endif
