/*
 * Who follows the events: a client of the JSON socket with a place of its own in the journal.  The
 * journal is all that is kept for it: a client that reads more slowly than events come is told how
 * many it has lost.  Management thread only.
 */
#pragma once

#include "management.h"
#include "stream.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct subscription {
	bool on;
	uint64_t next; /* number of the event to be sent next */
};

/* subscription_begin: as a request asks, with "subscribe" and maybe "from"; one that is on already
 * goes on from there.  => NULL and the answer's "subscribed" in *answer; or the error's code with a
 * reason, and nothing has changed. */
const char *subscription_begin(struct subscription *, const struct management *,
	const json_t *request, json_t **answer, char *err, size_t err_size);

/* subscription_behind: are there events to be sent? */
bool subscription_behind(const struct subscription *, const struct management *);

/* subscription_pump: one line for each event, as long as the stream has room; some hundred at most.
 */
void subscription_pump(struct subscription *, const struct management *, struct stream *);
