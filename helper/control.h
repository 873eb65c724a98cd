/* The control socket of a container, `control` in its state folder: requests as on the status pipe, from any crt. */
#ifndef CRT_CONTROL_H
#define CRT_CONTROL_H

#include "context.h"
#include "sync.h"

#include <poll.h>

#define CONNECTIONS 32
#define CONTROL_POLLS (1 + CONNECTIONS)

/* Follows each request, little-endian: errno(3), 0 for success; and bytes of text, with WAIT after the container's end.
 */
struct control_reply {
	uint32_t error, length;
};

/* What one request is answered with: 0, or -1 with errno. `connection` is its socket. */
typedef int control_handler(struct context *context, const struct request_record *request, int connection);

/* Says what to wait for, and handles what has come. Without a control socket nothing. Answers how many entries are in
 * use: poll(2) takes no more of them than the limit on open files is. */
nfds_t control_poll(struct pollfd *polls);
void control_move(struct context *context, const struct pollfd *polls, control_handler *handle);

/* The connection of the request that is being handled is somebody else's from now on; it has its answer already. */
int control_give_away(int connection);

/* Waits until few enough of all monitors have crt clean up: the ends of hundreds of containers at once must not fill
 * the memory with as many processes of it. A descriptor: closed, the turn is over; -1 where none can be had, or after a
 * minute. */
int control_turn(void);

/* Tells the end to whoever waits, and to `ended` in the state folder where no supervisor is left. */
void control_end(struct context *context, const char *text);

#endif
