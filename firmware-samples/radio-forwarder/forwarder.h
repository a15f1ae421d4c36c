/*
 * Forwarder encapsulation (MQTT-SN 1.2 section 5.5) between the radio and the gateway's line.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FORWARDER_H
#define FORWARDER_H

#include <stdbool.h>
#include <stdint.h>

/* The octets of encapsulation in front of a message; a node is one octet here. */
enum { FORWARDER_HEADER = 4, FORWARDER_EVERYONE = 0xFF };

struct forwarded {
  uint8_t node; /* FORWARDER_EVERYONE for a broadcast */
  const uint8_t *message;
  uint16_t length;
};

/* Whether what came by radio looks like one MQTT-SN message; noise and other traffic do not. */
bool forwarder_is_message(const uint8_t *message, uint16_t length);

/* Writes the encapsulation of a message from `node` into FORWARDER_HEADER octets. */
void forwarder_wrap(uint8_t node, uint8_t *header);

/*
 * What the gateway wants on the air. Encapsulated messages go to their node, those without a node,
 * and gateways' own advertisements without encapsulation, to everyone. False if it is neither.
 */
bool forwarder_unwrap(const uint8_t *frame, uint16_t length, struct forwarded *forwarded);

#endif
