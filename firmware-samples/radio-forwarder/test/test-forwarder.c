/*
 * Tests of the encapsulation, with octets of every kind.
 *
 * SPDX-License-Identifier: MIT
 */
#include "../forwarder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) {                                      \
      failures++;                                            \
      printf("not ok: line %d: %s\n", __LINE__, #condition); \
    }                                                        \
  } while (0)

/* From an allocation of just this length, so that reading beyond it is noticed. */
static bool unwrap(const void *octets, uint16_t length, struct forwarded *forwarded)
{
  uint8_t *frame = malloc(length == 0 ? 1 : length);
  memcpy(frame, octets, length);
  bool verdict = forwarder_unwrap(frame, length, forwarded);
  if (verdict) {
    CHECK(forwarded->message >= frame && forwarded->length >= 2);
    CHECK(forwarded->message + forwarded->length == frame + length);
  }
  free(frame);
  return verdict;
}

int main(void)
{
  struct forwarded forwarded;
  uint8_t frame[9] = {0};
  forwarder_wrap(7, frame);
  memcpy(frame + FORWARDER_HEADER, "\x03\x05\x00", 3);
  CHECK(memcmp(frame, "\x04\xfe\x00\x07\x03\x05\x00", 7) == 0);
  CHECK(unwrap(frame, 7, &forwarded) && forwarded.node == 7 && forwarded.length == 3);
  /* A broadcast has no node, or comes as it is; nothing else does. */
  CHECK(unwrap("\x03\xfe\x01\x03\x02\x01", 6, &forwarded));
  CHECK(forwarded.node == FORWARDER_EVERYONE && forwarded.length == 3);
  CHECK(unwrap("\x05\x00\x01\x03\x84", 5, &forwarded) && forwarded.node == FORWARDER_EVERYONE);
  CHECK(!unwrap("\x03\x05\x00", 3, &forwarded));
  /* What is cut off, too long, for another kind of node, or nested. */
  CHECK(!unwrap("\x04\xfe\x00", 3, &forwarded));
  CHECK(!unwrap("\x04\xfe\x00\x07", 4, &forwarded));
  CHECK(!unwrap("\x04\xfe\x00\x07\x03\x05", 6, &forwarded));
  CHECK(!unwrap("\x04\xfe\x00\x07\x03\x05\x00\x00", 8, &forwarded));
  CHECK(!unwrap("\x06\xfe\x00\x07\x07\x07\x03\x05\x00", 9, &forwarded));
  CHECK(!unwrap("\x04\xfe\x00\x07\x04\xfe\x00\x08", 8, &forwarded));
  CHECK(forwarder_is_message((const uint8_t *)"\x01\x00\x04\x17", 4));
  CHECK(!forwarder_is_message((const uint8_t *)"\x01\x00", 2));
  srand(1);
  for (int round = 0; round < 200000; round++) {
    uint8_t noise[12];
    uint16_t length = (uint16_t)(rand() % 13);
    for (uint16_t i = 0; i < length; i++) noise[i] = (uint8_t)(rand() % 8);
    if (length > 1 && rand() % 2 == 0) noise[1] = 0xFE;
    unwrap(noise, length, &forwarded);
  }
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
