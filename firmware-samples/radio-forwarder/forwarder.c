/*
 * Forwarder encapsulation; see forwarder.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forwarder.h"

enum { ADVERTISE = 0x00, GWINFO = 0x02, ENCAPSULATED = 0xFE, LONG_FORM = 0x01, LEAST = 3 };

bool forwarder_is_message(const uint8_t *message, uint16_t length)
{
  if (length < 2) return false;
  if (message[0] != LONG_FORM) return message[0] == length;
  return length >= 4 && (uint16_t)((uint16_t)message[1] << 8 | message[2]) == length;
}

void forwarder_wrap(uint8_t node, uint8_t *header)
{
  header[0] = FORWARDER_HEADER;
  header[1] = ENCAPSULATED;
  header[2] = 0;
  header[3] = node;
}

bool forwarder_unwrap(const uint8_t *frame, uint16_t length, struct forwarded *forwarded)
{
  forwarded->node = FORWARDER_EVERYONE;
  forwarded->message = frame;
  forwarded->length = length;
  if (length >= LEAST && frame[1] == ENCAPSULATED && frame[0] != LONG_FORM) {
    uint8_t header = frame[0];
    if (header < LEAST || header > FORWARDER_HEADER || header > length) return false;
    if (header == FORWARDER_HEADER) forwarded->node = frame[3];
    forwarded->message += header;
    forwarded->length = (uint16_t)(length - header);
    /* A forwarder behind a forwarder is nobody here. */
    return forwarder_is_message(forwarded->message, forwarded->length) &&
           forwarded->message[1] != ENCAPSULATED;
  }
  return forwarder_is_message(frame, length) && (frame[1] == ADVERTISE || frame[1] == GWINFO);
}
