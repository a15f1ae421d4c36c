/*
 * What the sensor node needs of the device that it runs on; each sample has its own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds; may wrap around. Goes on while the device is powered down. */
uint32_t board_millis(void);

/* Tenths of a degree Celsius. */
int16_t board_temperature(void);

void board_led(bool on);

/* Saves power until something may have happened, a few milliseconds at most. */
void board_idle(void);

/* Switches off what can be, the receiver too, for so many seconds. */
void board_power_down(uint16_t seconds);

/* One message out, and one in if there is any; as in struct mqttsn_port. */
bool board_send(const uint8_t *frame, uint16_t length);
uint16_t board_receive(uint8_t *frame, uint16_t capacity);

/* For devices on a serial line, uart/uart-transport.c makes these two of these. */
void board_put(uint8_t octet);
bool board_get(uint8_t *octet);

#ifdef __cplusplus
}
#endif

#endif
