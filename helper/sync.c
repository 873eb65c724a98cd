#include "sync.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* What a message of the turn-taking socket says: a turn, or that a descriptor comes with it. */
enum { BYTE_TURN = 't', BYTE_FD = 'f' };

/* For a descriptor that whoever made it has set to O_NONBLOCK. */
static int wait_for(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };

	return poll(&ready, 1, -1) < 0 && errno != EINTR ? -1 : 0;
}

int send_event(enum event kind, uint32_t step, int64_t value, uint32_t micros, const char *text)
{
	struct event_header header = { kind, step, value, micros, text ? (uint32_t)strlen(text) : 0 };
	struct iovec parts[2] = { { &header, sizeof(header) }, { (void *)text, header.length } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = header.length ? 2 : 1 };

	/* One message is far smaller than the socket's buffer, which the supervisor empties: it goes whole or not at
	 * all. */
	while (sendmsg(STATUS_FD, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR && (errno != EAGAIN || wait_for(STATUS_FD, POLLOUT)))
			return -1;
	return 0;
}

int read_all(int fd, void *buffer, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = read(fd, (char *)buffer + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && !wait_for(fd, POLLIN))
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0;
		got += (size_t)n;
	}
	return 1;
}

int write_all(int fd, const void *bytes, size_t size)
{
	for (const char *at = bytes; size > 0;) {
		ssize_t wrote = write(fd, at, size);

		if (wrote < 0)
			return -1;
		at += wrote;
		size -= (size_t)wrote;
	}
	return 0;
}

int open_sync(struct context *context)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	context->sync_monitor = ends[0];
	context->sync_child = ends[1];
	return 0;
}

/* A byte, with room for a descriptor beside it. */
struct message {
	char byte;
	struct iovec part;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
};

static struct msghdr header_of(struct message *message, size_t control)
{
	message->part = (struct iovec){ &message->byte, 1 };
	return (struct msghdr){
		.msg_iov = &message->part, .msg_iovlen = 1, .msg_control = &message->control, .msg_controllen = control
	};
}

int give_turn(int socket, int fd)
{
	struct message message = { .byte = fd < 0 ? BYTE_TURN : BYTE_FD };
	struct msghdr header = header_of(&message, fd < 0 ? 0 : sizeof(message.control));

	message.control.header.cmsg_level = SOL_SOCKET;
	message.control.header.cmsg_type = SCM_RIGHTS;
	message.control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&message.control.header), &fd, sizeof(int));
	return sendmsg(socket, &header, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

enum turn take_turn(int socket, int *fd)
{
	struct message message;
	struct msghdr header = header_of(&message, sizeof(message.control));
	ssize_t got;

	while ((got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (got <= 0)
		return TURN_NONE;
	if (message.byte != BYTE_FD)
		return TURN;
	*fd = -1;
	if (CMSG_FIRSTHDR(&header) && message.control.header.cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(&message.control.header), sizeof(int));
	return TURN_FD;
}

int wait_turn(int socket)
{
	int fd;

	return take_turn(socket, &fd) == TURN ? 0 : -1;
}
