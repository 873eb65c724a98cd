#include "control.h"
#include "interpret.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

/* How many may clean up at a time, and nanoseconds after which one does so out of turn. */
#define TURNS 8
#define TURN_PATIENCE 60000000000u
/* Milliseconds that the question of one who has connected may take after the end. */
#define GRACE 1000

struct connection {
	int fd; /* -1: free */
	int asked, waits;
	size_t got;
	struct request_record request;
};

static struct {
	int directory, socket;
	struct connection connections[CONNECTIONS];
} state = { .directory = -1, .socket = -1 };

/* By a relative name: the path of the folder may be longer than an address of a socket (unix(7)). */
static int bind_in(int directory, int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "control" };
	int result;

	unlinkat(directory, address.sun_path, 0);
	if (fchdir(directory))
		return -1;
	result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	return chdir("/") || result ? -1 : 0;
}

int op_control(struct context *context, const struct step *step)
{
	for (int i = 0; i < CONNECTIONS; i++)
		state.connections[i].fd = -1;
	if (step->number[1])
		context->deadline = now_nanos() + step->number[1] * 1000000;
	context->start = step->number[0];
	state.directory = open(text_of(&context->plan, step, 0), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	state.socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (state.directory < 0 || state.socket < 0 || bind_in(state.directory, state.socket))
		return -1;
	return listen(state.socket, 128);
}

static struct connection *find(int fd)
{
	for (int i = 0; i < CONNECTIONS; i++)
		if (state.connections[i].fd == fd)
			return &state.connections[i];
	return NULL;
}

nfds_t control_poll(struct pollfd *polls)
{
	nfds_t count = 1;

	/* A full table leaves the next one in the queue of the socket. */
	polls[0] = (struct pollfd){ .fd = state.socket >= 0 && find(-1) ? state.socket : -1, .events = POLLIN };
	for (int i = 0; i < CONNECTIONS; i++) {
		polls[1 + i] =
			(struct pollfd){ .fd = state.socket < 0 ? -1 : state.connections[i].fd, .events = POLLIN };
		if (polls[1 + i].fd >= 0)
			count = 2 + (nfds_t)i;
	}
	return count;
}

/* Small enough for any socket's buffer; who has filled that with questions and reads no answers misses some. */
static void answer_to(struct connection *connection, uint32_t error, const char *text)
{
	char bytes[sizeof(struct control_reply) + 256];
	struct control_reply reply = { error, (uint32_t)strlen(text) };

	memcpy(bytes, &reply, sizeof(reply));
	memcpy(bytes + sizeof(reply), text, reply.length);
	(void)!send(connection->fd, bytes, sizeof(reply) + reply.length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int control_give_away(int fd)
{
	struct connection *connection = find(fd);

	answer_to(connection, 0, "");
	return steal_fd(&connection->fd);
}

static void take(struct context *context, struct connection *connection, control_handler *handle)
{
	struct request_record *request = &connection->request;
	ssize_t got = recv(connection->fd, (char *)request + connection->got, sizeof(*request) - connection->got,
			   MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		close(steal_fd(&connection->fd));
		return;
	}
	connection->got += (size_t)got;
	if (connection->got < sizeof(*request))
		return;
	connection->got = 0;
	connection->asked = 1;
	if (request->kind == REQUEST_WAIT) {
		connection->waits = 1;
		return;
	}
	errno = 0;
	if (handle(context, request, connection->fd))
		answer_to(connection, errno ? (uint32_t)errno : EINVAL, "");
	else if (connection->fd >= 0)
		answer_to(connection, 0, "");
}

void control_move(struct context *context, const struct pollfd *polls, control_handler *handle)
{
	for (int i = 0; i < CONNECTIONS; i++)
		if (polls[1 + i].fd >= 0 && polls[1 + i].revents)
			take(context, &state.connections[i], handle);
	if (polls[0].fd >= 0 && polls[0].revents)
		*find(-1) =
			(struct connection){ .fd = accept4(state.socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) };
}

static int write_ended(const char *text)
{
	int fd cleanup_fd =
		openat(state.directory, ".ended", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return -1;
	return renameat(state.directory, ".ended", state.directory, "ended");
}

int control_turn(void)
{
	int fd cleanup_fd = -1;

	/* In the folder of all containers: it lies beside ours. */
	if (state.directory >= 0)
		fd = openat(state.directory, "../.turns", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	for (uint64_t end = now_nanos() + TURN_PATIENCE; fd >= 0 && now_nanos() < end;) {
		for (int turn = 0; turn < TURNS; turn++) {
			struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = turn, .l_len = 1 };

			if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
				return steal_fd(&fd);
			if (errno != EAGAIN && errno != EACCES)
				return -1;
		}
		poll(NULL, 0, 5 + getpid() % 30);
	}
	return -1;
}

/* Somebody has connected whose question is on its way. */
static int is_expecting(void)
{
	for (int i = 0; i < CONNECTIONS; i++)
		if (state.connections[i].fd >= 0 && !state.connections[i].asked)
			return 1;
	return 0;
}

/* The container has ended. */
static int refuse(struct context *context, const struct request_record *request, int connection)
{
	return fail_with(ESRCH);
}

void control_end(struct context *context, const char *text)
{
	struct pollfd polls[CONTROL_POLLS];

	if (state.socket < 0)
		return;
	/* A supervisor that is there has heard it. Without it whoever looks next says that nobody saw the end. */
	if (context->detached && write_ended(text))
		unlinkat(state.directory, ".ended", 0);
	/* Who had connected before hears it; who comes later finds it written. */
	for (int i = 0; i < 4 * CONNECTIONS; i++) {
		if (poll(polls, control_poll(polls), is_expecting() ? GRACE : 0) <= 0)
			break;
		control_move(context, polls, refuse);
	}
	for (int i = 0; i < CONNECTIONS; i++)
		if (state.connections[i].fd >= 0 && state.connections[i].waits)
			answer_to(&state.connections[i], 0, text);
}
