/*
 * Messages over a serial line; see slip.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "slip.h"

enum { END = 0xC0, ESC = 0xDB, ESC_END = 0xDC, ESC_ESC = 0xDD, CRC_LENGTH = 2 };

/* Without a table: 8 shifts cost less than 512 octets of flash at the speed of a serial line. */
uint16_t slip_crc16(uint16_t crc, uint8_t octet)
{
  crc ^= (uint16_t)((uint16_t)octet << 8);
  for (uint8_t bit = 0; bit < 8; bit++) {
    bool carry = (crc & 0x8000u) != 0;
    crc = (uint16_t)(crc << 1);
    if (carry) crc ^= 0x1021u;
  }
  return crc;
}

static uint16_t complete(struct slip_reader *reader, const uint8_t *frame)
{
  uint16_t length = reader->length;
  bool usable = !reader->spoilt && !reader->escaped;
  bool empty = length == 0 && usable;
  reader->length = 0;
  reader->spoilt = false;
  reader->escaped = false;
  /* Between the END of one frame and that of the next there is nothing. */
  if (empty) return 0;
  if (usable && reader->checked) {
    uint16_t crc = 0xFFFF;
    for (uint16_t i = 0; i < length; i++) crc = slip_crc16(crc, frame[i]);
    /* Over a message and its checksum it comes to 0. */
    usable = length > CRC_LENGTH && crc == 0;
    length = (uint16_t)(length - CRC_LENGTH);
  }
  if (usable) return length;
  reader->bad_frames++;
  return 0;
}

uint16_t slip_read(struct slip_reader *reader, uint8_t octet, uint8_t *frame, uint16_t capacity)
{
  if (octet == END) return complete(reader, frame);
  if (reader->escaped) {
    reader->escaped = false;
    if (octet == ESC_END) octet = END;
    else if (octet == ESC_ESC) octet = ESC;
    else reader->spoilt = true;
  } else if (octet == ESC) {
    reader->escaped = true;
    return 0;
  }
  if (reader->length >= capacity) reader->spoilt = true;
  if (!reader->spoilt) frame[reader->length++] = octet;
  return 0;
}

static void put_escaped(uint8_t octet, void (*put)(uint8_t octet))
{
  if (octet == END || octet == ESC) {
    put(ESC);
    put(octet == END ? ESC_END : ESC_ESC);
  } else {
    put(octet);
  }
}

void slip_write(const uint8_t *frame, uint16_t length, bool checked, void (*put)(uint8_t octet))
{
  uint16_t crc = 0xFFFF;
  put(END);
  for (uint16_t i = 0; i < length; i++) {
    crc = slip_crc16(crc, frame[i]);
    put_escaped(frame[i], put);
  }
  if (checked) {
    put_escaped((uint8_t)(crc >> 8), put);
    put_escaped((uint8_t)crc, put);
  }
  put(END);
}
