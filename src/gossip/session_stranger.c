/* session_stranger.c: callers that nobody here has heard of, and being one.
 *
 * Owns which of the changes that let a node in is shown next, and what a stranger is answered.
 * Whether such a change is to be believed is not decided here (replica_admission). */
#include <string.h>

#include "base/err.h"
#include "gossip/session_inner.h"

/* --- we are one ------------------------------------------------------------------------------- */

void stranger_show(struct sessions *s, const struct session_peer *p, struct buf *ret)
{
    const struct gossip_view *view = s->opt.view;
    size_t before = ret->n;
    if (p->show == 0 || !view->admission)
        return;
    if (view->admission(view->ctx, p->show - 1, ret) < 0 || ret->n - before > PACKET_INTRODUCED_MAX)
        ret->n = before;
}

static bool stranger_has(struct sessions *s, const struct session_peer *p, unsigned show)
{
    struct session_peer next = {.id = p->id, .show = show};
    struct buf b = BUF_INIT;
    stranger_show(s, &next, &b);
    bool has = b.n > 0;
    buf_done(&b);
    return has;
}

/* Not believed: perhaps its maker is not known either, and who let that one in can speak for it.
 * Believed: then what stood on it is. When nothing more is left to be shown, ours goes on being
 * sent like any initiation: somebody may tell the peer of us meanwhile. */
void stranger_answered(
    struct sessions *s, struct session_peer *p, enum verdict verdict, time_ms now)
{
    unsigned show = verdict == VERDICT_STRANGER ? p->show + 1 : p->show > 1 ? p->show - 1 : 1;
    bool has = stranger_has(s, p, show);
    if (!has && (p->show <= 1 || !stranger_has(s, p, 1)))
        return;
    p->show = has ? show : 1;
    initiation_free(s, p);
    if (!initiation_make(s, p, now))
        return;
    if (has && p->shown < SESSION_SHOW_MAX) {
        p->shown++;
        p->retry_ms = SESSION_RETRY_MS;
        initiation_send(s, p, now);
    }
    initiation_schedule(s, p, now);
}

/* --- they are --------------------------------------------------------------------------------- */

int stranger_open(struct sessions *s, struct handshake *h, const struct endpoint *from,
    const uint8_t *initiation, const uint8_t *shown, size_t n, time_ms now)
{
    struct cookie_keys address;
    struct buf b = BUF_INIT;
    if (!s->opt.admit)
        return -ERR_SIGNATURE;
    if (rate_count(&s->strangers, now) > SESSION_STRANGERS_PER_S)
        return -ERR_LIMIT;
    int r = n > 0 ? s->opt.admit(s->opt.admit_ctx, shown, n) : -ERR_SIGNATURE;
    enum verdict verdict = r == 0             ? VERDICT_BELIEVED
                           : r == -ERR_DENIED ? VERDICT_REMOVED
                                              : VERDICT_STRANGER;
    int wrote = response_write(s, h, initiation, verdict, 0, &b);
    if (wrote == 0) {
        cookie_keys_make(&s->opt.cluster, &h->rs, &address);
        cookie_mac1_add(&address, &b);
        sessions_send(s, &s->opt.self, from, &b);
    }
    buf_done(&b);
    return r == 0 && wrote == 0 ? 0 : -ERR_SIGNATURE;
}
