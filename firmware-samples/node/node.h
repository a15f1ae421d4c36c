/*
 * A sensor node: publishes a temperature, obeys commands, sleeps if it is told to.
 *
 * SPDX-License-Identifier: MIT
 *
 * nodes/ID/temperature   what it measures, such as 21.5, at QoS 1
 * nodes/ID/status        "online", or "lost" by its will; retained
 * nodes/ID/command       it subscribes to this at QoS 2:
 *     led on | led off
 *     sleep SECONDS      sleeps so long between two wakings; 0 stays awake
 *     interval SECONDS   between two readings
 *     say QOS TEXT       publishes TEXT; QOS is 0, 1, 2 or -
 *     state              publishes how often it repeated something, and bad frames
 * nodes/ID/reply         what it says; at QoS -1, asked for by -, on the short topic "sn"
 */
#ifndef NODE_H
#define NODE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct node_options {
  const char *client_id;   /* 1 to 16 octets, as topics are made of it */
  uint16_t keep_alive;     /* s */
  uint16_t sleep;          /* s between two wakings; 0 stays awake */
  uint16_t interval;       /* s between two readings */
  uint32_t retry_interval; /* T_RETRY in ms: a few times what an answer takes on this link */
};

/* `options` is not needed afterwards, but for the client id. */
void node_start(const struct node_options *options);

/* Does what there is to do; to be called for ever. */
void node_step(void);

#ifdef __cplusplus
}
#endif

#endif
