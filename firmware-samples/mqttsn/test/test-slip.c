/*
 * Tests of the framing: what is written is read, whatever happened on the line before.
 *
 * SPDX-License-Identifier: MIT
 */
#include "../slip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t line[1200];
static uint16_t on_line;
static int failures;

#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) {                                              \
      failures++;                                                    \
      printf("not ok: line %d: %s\n", __LINE__, #condition);         \
    }                                                                \
  } while (0)

static void put(uint8_t octet)
{
  line[on_line++] = octet;
}

/* Reads what is on the line; answers how many frames came and the length of the last. */
static unsigned read_line(struct slip_reader *reader, uint8_t *frame, uint16_t capacity,
                          uint16_t *length)
{
  unsigned frames = 0;
  for (uint16_t i = 0; i < on_line; i++) {
    uint16_t got = slip_read(reader, line[i], frame, capacity);
    if (got == 0) continue;
    frames++;
    *length = got;
  }
  on_line = 0;
  return frames;
}

static void reads_what_was_written(bool checked)
{
  struct slip_reader reader = {.checked = checked};
  uint8_t frame[258];
  uint16_t length = 0;
  for (uint16_t size = 1; size <= 256; size++) {
    uint8_t message[256];
    for (uint16_t i = 0; i < size; i++) message[i] = (uint8_t)(i + size + 0xB0);
    slip_write(message, size, checked, put);
    CHECK(read_line(&reader, frame, sizeof frame, &length) == 1);
    CHECK(length == size && memcmp(frame, message, size) == 0);
  }
  CHECK(reader.bad_frames == 0);
}

static void has_the_octets_of_rfc_1055(void)
{
  static const uint8_t message[] = {0x01, 0xC0, 0xDB, 0x02};
  static const uint8_t expected[] = {0xC0, 0x01, 0xDB, 0xDC, 0xDB, 0xDD, 0x02, 0xC0};
  on_line = 0;
  slip_write(message, sizeof message, false, put);
  CHECK(on_line == sizeof expected && memcmp(line, expected, sizeof expected) == 0);
  on_line = 0;
}

static void has_the_checksum_of_the_catalogue(void)
{
  uint16_t crc = 0xFFFF;
  for (const char *text = "123456789"; *text != '\0'; text++) crc = slip_crc16(crc, (uint8_t)*text);
  CHECK(crc == 0x29B1);
}

static void goes_on_after_noise(bool checked)
{
  struct slip_reader reader = {.checked = checked};
  uint8_t frame[34];
  uint16_t length = 0;
  srand(1);
  for (int round = 0; round < 20000; round++) {
    uint16_t noise = (uint16_t)(rand() % 100);
    for (uint16_t i = 0; i < noise; i++) put((uint8_t)rand());
    read_line(&reader, frame, sizeof frame, &length);
    put(0xC0);
    slip_write((const uint8_t *)"hello", 5, checked, put);
    unsigned frames = read_line(&reader, frame, sizeof frame, &length);
    CHECK(frames >= 1 && length == 5 && memcmp(frame, "hello", 5) == 0);
  }
  CHECK(reader.bad_frames > 0);
}

static void refuses_what_is_too_long_or_broken(void)
{
  struct slip_reader reader = {.checked = true};
  uint8_t frame[16];
  uint8_t message[15] = {1};
  uint16_t length = 0;
  slip_write(message, 14, true, put); /* and its checksum: just so */
  CHECK(read_line(&reader, frame, sizeof frame, &length) == 1 && length == 14);
  slip_write(message, 15, true, put);
  CHECK(read_line(&reader, frame, sizeof frame, &length) == 0 && reader.bad_frames == 1);
  slip_write(message, 5, true, put);
  line[3] ^= 0x20;
  CHECK(read_line(&reader, frame, sizeof frame, &length) == 0 && reader.bad_frames == 2);
  slip_write((const uint8_t *)"", 0, true, put); /* a checksum of nothing */
  CHECK(read_line(&reader, frame, sizeof frame, &length) == 0 && reader.bad_frames == 3);
  put(0xDB);
  put(0xC0);
  CHECK(read_line(&reader, frame, sizeof frame, &length) == 0 && reader.bad_frames == 4);
  slip_write(message, 5, true, put);
  CHECK(read_line(&reader, frame, sizeof frame, &length) == 1 && length == 5);
}

int main(void)
{
  reads_what_was_written(false);
  reads_what_was_written(true);
  has_the_octets_of_rfc_1055();
  has_the_checksum_of_the_catalogue();
  goes_on_after_noise(false);
  goes_on_after_noise(true);
  refuses_what_is_too_long_or_broken();
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
