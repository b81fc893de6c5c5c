/* echo_uv.h: ICMP echo (echo.h) over raw sockets and libuv. */
#ifndef KAR_KARD_ECHO_UV_H
#define KAR_KARD_ECHO_UV_H

#include <uv.h>

#include "kard/echo.h"

struct echo_uv;

typedef void (*echo_answer_fn)(void *ctx, uint64_t number, const struct echo_answer *answer);

struct echo_uv *echo_uv_new(void);
/* Valid as long as the other. What is asked before echo_uv_start is not answered. */
const struct echo *echo_uv_interface(const struct echo_uv *e);
void echo_uv_start(struct echo_uv *e, uv_loop_t *loop, echo_answer_fn answer, void *ctx);
/* Nothing is answered any more; the loop must run until the sockets are closed. */
void echo_uv_stop(struct echo_uv *e);
void echo_uv_free(struct echo_uv *e); /* the loop has ended */

#endif
