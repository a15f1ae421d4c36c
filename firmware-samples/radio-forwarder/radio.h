/*
 * Packets by radio, between nodes of one network; rfm69.c does it with an RFM69.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef RADIO_H
#define RADIO_H

#include <stdbool.h>
#include <stdint.h>

/* The longest message in one packet, the length that MQTT-SN 1.2 has for ZigBee too. */
enum { RADIO_LONGEST = 60 };

/* False if no radio answers. `network` keeps networks apart, `node` is this radio's own number. */
bool radio_start(uint8_t network, uint8_t node);

/*
 * Sends once the channel is free, and waits until it is sent. 0xFF is everyone. False if a packet
 * that came has to be received first.
 */
bool radio_send(uint8_t to, const uint8_t *message, uint8_t length);

/* The length of a packet that came, 0 if none did. RADIO_LONGEST octets are enough for it. */
uint8_t radio_receive(uint8_t *from, uint8_t *message);

#endif
