/*
 * As much of an RFM69 radio on the SPI of an emulated AVR as a driver in packet mode needs.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef RFM69_MODEL_H
#define RFM69_MODEL_H

#include <stdint.h>

#include <simavr/sim_avr.h>

/*
 * Connects the radio: SPI, chip select on PB2. Its air is a UDP socket on 127.0.0.1, whose port is
 * printed as "air PORT": a datagram is one packet, octets TO, FROM and what it carries. What the radio
 * sends goes to whoever has sent to it last.
 */
void rfm69_connect(avr_t *avr);

/* Takes in what is on the air; to be called between slices. */
void rfm69_poll(void);

#endif
