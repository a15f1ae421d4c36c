/*
 * Messages over the board's serial line: SLIP, with a checksum unless FRAMING_CHECKED is 0. The link
 * of the gateway must have the same framing, `slip-crc16` or `slip`.
 *
 * SPDX-License-Identifier: MIT
 */
#include "board.h"
#include "slip.h"

#ifndef FRAMING_CHECKED
#define FRAMING_CHECKED 1
#endif

static struct slip_reader reader = {.checked = FRAMING_CHECKED != 0};

bool board_send(const uint8_t *frame, uint16_t length)
{
  slip_write(frame, length, FRAMING_CHECKED != 0, board_put);
  return true;
}

uint16_t board_receive(uint8_t *frame, uint16_t capacity)
{
  uint8_t octet;
  while (board_get(&octet)) {
    uint16_t length = slip_read(&reader, octet, frame, capacity);
    if (length > 0) return length;
  }
  return 0;
}
