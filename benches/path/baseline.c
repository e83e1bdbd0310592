/* The least a program can do that turns lines on N terminals into D-Bus signals: epoll and sd-bus,
 * no parsing, no state. What tillbusd costs is measured against it.
 *
 * usage: baseline ADDRESS TERMINAL...
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-bus.h>
#include <termios.h>
#include <unistd.h>

enum { LINE = 256, BUS = -1 };

struct port {
    int fd;
    size_t length;
    char line[LINE];
};

static uint64_t sequence;

static void check(int result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "baseline: %s: %s\n", what, strerror(-result));
        exit(1);
    }
}

static int open_terminal(const char *path) {
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    struct termios settings;
    if (fd < 0 || tcgetattr(fd, &settings) < 0) {
        perror(path);
        exit(1);
    }
    cfmakeraw(&settings);
    tcsetattr(fd, TCSANOW, &settings);
    return fd;
}

static void emit(sd_bus *bus, const char *text) {
    sd_bus_message *message = NULL;
    check(sd_bus_message_new_signal(bus, &message, "/org/tillbus1/device/port",
                                    "org.tillbus1.Scanner", "Scanned"), "signal");
    check(sd_bus_message_append(message, "tsssa{sv}", ++sequence, "ean-13", "gtin", text, 0),
          "append");
    check(sd_bus_send(bus, message, NULL), "send");
    sd_bus_message_unref(message);
}

static void receive(struct port *port, sd_bus *bus) {
    char bytes[4096];
    ssize_t count = read(port->fd, bytes, sizeof bytes);
    for (ssize_t index = 0; index < count; index++) {
        if (bytes[index] == '\r') {
            port->line[port->length] = 0;
            port->length = 0;
            emit(bus, port->line);
        } else if (port->length < LINE - 1) {
            port->line[port->length++] = bytes[index];
        }
    }
}

static void watch(int epoll, int fd, int32_t index) {
    struct epoll_event event = { .events = EPOLLIN, .data.fd = index };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: baseline ADDRESS TERMINAL...\n");
        return 2;
    }
    int ports = count - 2;
    struct port *port = calloc((size_t)ports, sizeof *port);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int index = 0; index < ports; index++) {
        port[index].fd = open_terminal(arguments[index + 2]);
        watch(epoll, port[index].fd, index);
    }
    sd_bus *bus = NULL;
    check(sd_bus_new(&bus), "bus");
    check(sd_bus_set_address(bus, arguments[1]), "address");
    check(sd_bus_set_bus_client(bus, 1), "client");
    check(sd_bus_start(bus), "start");
    check(sd_bus_request_name(bus, "org.tillbus1", 0), "name");
    watch(epoll, sd_bus_get_fd(bus), BUS);
    for (;;) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int index = 0; index < ready; index++) {
            if (events[index].data.fd != BUS) {
                receive(&port[events[index].data.fd], bus);
                continue;
            }
            int processed;
            while ((processed = sd_bus_process(bus, NULL)) > 0) {
            }
            if (processed < 0) {
                return 0;
            }
        }
    }
}
