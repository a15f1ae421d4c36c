/*
 * Messages over a serial line: SLIP (RFC 1055), with END before and after each, and if wanted two
 * octets of CRC-16/CCITT-FALSE behind the message, the high one first: the framings `slip` and
 * `slip-crc16` of Midge.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SLIP_H
#define SLIP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All zero to begin with, but for `checked`. */
struct slip_reader {
  bool checked; /* with CRC */
  bool escaped;
  bool spoilt; /* nothing more of this frame is of use */
  uint16_t length;
  uint16_t bad_frames;
};

/*
 * Takes one octet of the line. The frame grows in `frame`, which must be the same each time. Answers
 * the frame's length where the octet completes it, else 0.
 */
uint16_t slip_read(struct slip_reader *reader, uint8_t octet, uint8_t *frame, uint16_t capacity);

/* Puts a frame on the line, octet by octet. */
void slip_write(const uint8_t *frame, uint16_t length, bool checked, void (*put)(uint8_t octet));

/* Takes `octet` into a checksum that began with 0xFFFF. */
uint16_t slip_crc16(uint16_t crc, uint8_t octet);

#ifdef __cplusplus
}
#endif

#endif
