/* frame.h: what host and guest say to each other over one virtio-serial port.
 *
 * A port is a stream without connections: a client may vanish in the middle of a frame, and the
 * next one finds the rest of it. So every frame carries a magic number and the number of its
 * session, and a reader skips whatever is neither.
 *
 *   magic 8 | session 4 | type 2 | length 2 | payload (at most FRAME_PAYLOAD_MAX bytes)
 *
 *   host                                   guest
 *   HELLO cwd, environment, command  --->
 *                                    <---  ACK
 *   STDIN, SIGNAL, WINDOW            --->  (an empty STDIN is its end)
 *                                    <---  STDOUT, STDERR
 *                                    <---  EXIT code
 *
 * Both ends are the same machine's processor, so numbers are in its own byte order.
 * Knows nothing of kar: libc only, linked statically, so that it runs in any image. */
#ifndef KAR_LAB_FRAME_H
#define KAR_LAB_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* The length field has 16 bits; a write of this size is one piece for a Unix socket. */
#define FRAME_PAYLOAD_MAX 32768
#define FRAME_MAGIC 0x0a6b6e696c6d7601ULL

enum frame_type {
    FRAME_NOP,
    FRAME_HELLO,
    FRAME_ACK,
    FRAME_STDIN,
    FRAME_STDOUT,
    FRAME_STDERR,
    FRAME_SIGNAL, /* one byte: the signal for the session's process group */
    FRAME_WINDOW, /* struct frame_window */
    FRAME_EXIT,   /* one byte: as a shell's $? */
};

struct frame_head {
    uint64_t magic;
    uint32_t session;
    uint16_t type;
    uint16_t len;
};

struct frame_window {
    uint16_t rows, cols;
};

/* HELLO's payload; `strings` texts follow, each ended by a zero byte: the directory, `envs`
 * settings of the environment, the command and its arguments. */
struct frame_hello {
    uint8_t tty;
    uint8_t pad;
    uint16_t strings, envs;
    struct frame_window window;
};

struct frame {
    struct frame_head head;
    uint8_t payload[FRAME_PAYLOAD_MAX];
};

/* Bytes that came in and are no whole frame yet. */
struct frame_input {
    uint8_t buf[2 * sizeof(struct frame)];
    size_t len;
};

/* Takes the next whole frame out of `in`, skipping what is none. 1: got one, 0: more is needed. */
int frame_take(struct frame_input *in, struct frame *ret);

/* Fills *f; returns its size in bytes on the wire. payload may be NULL when len is 0. */
size_t frame_make(
    struct frame *f, uint32_t session, enum frame_type type, const void *payload, size_t len);

#endif
