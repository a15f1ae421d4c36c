/*
 * A client on a bench: time stands still until told, the test plays the gateway.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_H
#define BENCH_H

#include "../mqttsn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BENCH_QUEUE = 16 };

struct frame {
  uint16_t length;
  uint8_t octets[512];
};

struct bench {
  struct mqttsn client;
  uint32_t now;
  struct frame sent[BENCH_QUEUE]; /* by the client, not looked at yet */
  unsigned sent_count;
  struct frame coming[BENCH_QUEUE]; /* from the gateway, not received yet */
  unsigned coming_count;
  int verdict; /* what the message callback answers */
  int register_verdict;
  unsigned messages;
  struct mqttsn_message last;
  char last_data[512];
  char last_name[512];
  uint16_t last_registered;
  int rejected;
};

static int failures;
static const char *running = "";

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      failures++;                                                                   \
      printf("not ok: %s, line %d: %s\n", running, __LINE__, #condition);           \
    }                                                                               \
  } while (0)

static bool bench_send(void *user, const uint8_t *octets, uint16_t length)
{
  struct bench *bench = user;
  if (bench->sent_count == BENCH_QUEUE) return false;
  struct frame *frame = &bench->sent[bench->sent_count++];
  frame->length = length;
  memcpy(frame->octets, octets, length);
  return true;
}

static uint16_t bench_receive(void *user, uint8_t *octets, uint16_t capacity)
{
  struct bench *bench = user;
  if (bench->coming_count == 0) return 0;
  uint16_t length = bench->coming[0].length;
  if (length > capacity) length = capacity;
  memcpy(octets, bench->coming[0].octets, length);
  bench->coming_count--;
  memmove(bench->coming, bench->coming + 1, bench->coming_count * sizeof bench->coming[0]);
  return length;
}

static uint32_t bench_now(void *user)
{
  return ((struct bench *)user)->now;
}

static void bench_idle(void *user)
{
  ((struct bench *)user)->now += 100;
}

static int bench_message(void *user, const struct mqttsn_message *message)
{
  struct bench *bench = user;
  bench->messages++;
  bench->last = *message;
  memcpy(bench->last_data, message->data, message->length);
  bench->last_data[message->length] = '\0';
  return bench->verdict;
}

static int bench_registered(void *user, uint16_t topic_id, const char *name, uint16_t length)
{
  struct bench *bench = user;
  bench->last_registered = topic_id;
  memcpy(bench->last_name, name, length);
  bench->last_name[length] = '\0';
  return bench->register_verdict;
}

static void bench_rejected(void *user, uint16_t topic_id, int result)
{
  (void)topic_id;
  ((struct bench *)user)->rejected = result;
}

static const struct mqttsn_port bench_port = {bench_send,    bench_receive,    bench_now,
                                              bench_idle,    bench_message,    bench_registered,
                                              bench_rejected};

/* A client "node" with T_RETRY 10 s and N_RETRY 4, near the end of what a clock of 32 bits counts. */
static inline struct bench *new_bench(void)
{
  static struct bench bench;
  memset(&bench, 0, sizeof bench);
  bench.now = UINT32_MAX - 5000;
  mqttsn_init(&bench.client, &bench_port, &bench, "node");
  return &bench;
}

/* Octets written as "03 05 00 'text'". */
static inline uint16_t parse(const char *text, uint8_t *octets)
{
  uint16_t length = 0;
  while (*text != '\0') {
    if (*text == ' ') {
      text++;
    } else if (*text == '\'') {
      for (text++; *text != '\''; text++) octets[length++] = (uint8_t)*text;
      text++;
    } else {
      char digits[3] = {text[0], text[1], '\0'};
      octets[length++] = (uint8_t)strtoul(digits, NULL, 16);
      text += 2;
    }
  }
  return length;
}

/* The gateway sends, and the client receives. */
static inline void gateway(struct bench *bench, const char *text)
{
  struct frame *frame = &bench->coming[bench->coming_count++];
  frame->length = parse(text, frame->octets);
  mqttsn_poll(&bench->client);
}

/* Whether the client has sent this next. */
static inline bool sent(struct bench *bench, const char *text)
{
  uint8_t octets[512];
  uint16_t length = parse(text, octets);
  if (bench->sent_count == 0) return false;
  struct frame frame = bench->sent[0];
  bench->sent_count--;
  memmove(bench->sent, bench->sent + 1, bench->sent_count * sizeof bench->sent[0]);
  bool same = frame.length == length && memcmp(frame.octets, octets, length) == 0;
  if (!same) {
    printf("sent:");
    for (uint16_t i = 0; i < frame.length; i++) printf(" %02x", frame.octets[i]);
    printf("\n");
  }
  return same;
}

static inline bool quiet(struct bench *bench)
{
  return bench->sent_count == 0;
}

static inline void pass(struct bench *bench, uint32_t ms)
{
  bench->now += ms;
  mqttsn_poll(&bench->client);
}

/* A connected client, clean session, keep alive 60 s. */
static inline struct bench *connected(void)
{
  struct bench *bench = new_bench();
  CHECK(mqttsn_connect(&bench->client, true, 60) == MQTTSN_OK);
  CHECK(sent(bench, "0a 04 04 01 00 3c 'node'"));
  gateway(bench, "03 05 00");
  CHECK(bench->client.state == MQTTSN_ACTIVE);
  CHECK(bench->client.result == MQTTSN_OK);
  return bench;
}

static inline struct bench *asleep(void)
{
  struct bench *bench = connected();
  CHECK(mqttsn_sleep(&bench->client, 300) == MQTTSN_OK);
  CHECK(sent(bench, "04 18 01 2c"));
  gateway(bench, "02 18");
  CHECK(bench->client.state == MQTTSN_ASLEEP);
  return bench;
}

#endif
