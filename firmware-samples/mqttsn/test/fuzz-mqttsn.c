/*
 * Feeds the client frames that are random, or almost right, while a program makes requests at random:
 * fuzz-mqttsn SEED FRAMES. Sanitizers see what goes wrong; the client must be usable at the end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "bench.h"

static uint32_t state;

static uint32_t random_below(uint32_t bound)
{
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % bound;
}

static int random_verdict(void)
{
  return (int)random_below(5) - 1 == -1 ? MQTTSN_LATER : (int)random_below(4);
}

/* The types that clients take, and some that they do not. */
static uint8_t random_type(void)
{
  static const uint8_t types[] = {0x05, 0x06, 0x08, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
                                  0x10, 0x13, 0x15, 0x16, 0x17, 0x18, 0x1B, 0x1D, 0x00};
  return random_below(10) == 0 ? (uint8_t)random_below(256) : types[random_below(sizeof types)];
}

static void random_frame(struct bench *bench)
{
  struct frame *frame = &bench->coming[bench->coming_count++];
  frame->length = (uint16_t)(1 + random_below(random_below(4) == 0 ? MQTTSN_MAX_FRAME + 8 : 12));
  for (uint16_t i = 0; i < frame->length; i++) frame->octets[i] = (uint8_t)random_below(256);
  if (random_below(20) == 0) return;
  bool is_long = random_below(8) == 0 && frame->length >= 4;
  if (is_long) {
    frame->octets[0] = 1;
    frame->octets[1] = 0;
    frame->octets[2] = (uint8_t)frame->length;
    frame->octets[3] = random_type();
  } else {
    frame->octets[0] = (uint8_t)frame->length;
    if (frame->length > 1) frame->octets[1] = random_type();
  }
  if (random_below(2) == 0) frame->octets[frame->length - 1] = 0; /* accepted */
  /* The message id that is awaited, where most answers have it. */
  if (random_below(2) == 0) {
    for (uint16_t i = 2; i + 1 < frame->length && i < 7; i++) {
      if (random_below(2) == 0) continue;
      frame->octets[i] = (uint8_t)(bench->client.message_id >> 8);
      frame->octets[i + 1] = (uint8_t)bench->client.message_id;
      break;
    }
  }
}

static void random_request(struct mqttsn *client)
{
  static const uint8_t data[100] = {7};
  uint16_t length = (uint16_t)random_below(70);
  int8_t qos = (int8_t)((int)random_below(4) - 1);
  switch (random_below(12)) {
    case 0: mqttsn_connect(client, random_below(2) == 0, (uint16_t)random_below(100)); break;
    case 1: mqttsn_register(client, "a/b"); break;
    case 2: mqttsn_subscribe(client, "a/#", 2); break;
    case 3: mqttsn_unsubscribe(client, "a/#"); break;
    case 4: mqttsn_subscribe_id(client, (uint8_t)(1 + random_below(2)), 7, 1); break;
    case 5: mqttsn_publish(client, (uint8_t)random_below(3), 7, data, length, qos, false); break;
    case 6: mqttsn_publish_again(client, client->message_id, 0, 7, data, length, qos, true); break;
    case 7: mqttsn_sleep(client, 5); break;
    case 8: mqttsn_check(client); break;
    case 9: mqttsn_update_will_topic(client, "w", 1, true); break;
    case 10: mqttsn_update_will_message(client, data, length); break;
    default: if (random_below(10) == 0) mqttsn_disconnect(client);
  }
}

int main(int count, char **words)
{
  uint32_t seed = count > 1 ? (uint32_t)strtoul(words[1], NULL, 10) : 1;
  uint32_t frames = count > 2 ? (uint32_t)strtoul(words[2], NULL, 10) : 100000;
  state = seed * 2654435761u | 1;
  struct bench *bench = new_bench();
  struct mqttsn *client = &bench->client;
  struct mqttsn_will will = {"w/t", (const uint8_t *)"gone", 4, 1, true};
  uint32_t sessions = 0;
  for (uint32_t i = 0; i < frames; i++) {
    if (random_below(50) == 0) client->will = client->will == NULL ? &will : NULL;
    bench->verdict = random_verdict();
    bench->register_verdict = random_verdict();
    random_request(client);
    random_frame(bench);
    enum mqttsn_state before = client->state;
    pass(bench, random_below(4000));
    if (before == MQTTSN_DISCONNECTED && client->state == MQTTSN_ACTIVE) sessions++;
    CHECK(client->out_length <= MQTTSN_MAX_FRAME);
    bench->sent_count = 0;
  }
  running = "afterwards";
  bench->coming_count = 0;
  mqttsn_finish(client);
  client->will = NULL;
  client->congested = false;
  CHECK(mqttsn_connect(client, true, 60) == MQTTSN_OK);
  gateway(bench, "03 05 00");
  CHECK(client->state == MQTTSN_ACTIVE);
  bench->verdict = MQTTSN_OK;
  unsigned messages = bench->messages;
  gateway(bench, "08 0c 40 00 08 00 01 'x'");
  CHECK(bench->messages == messages + 1);
  printf("seed %u: %u sessions, %u messages, %u bad frames, %d failures\n", (unsigned)seed,
         (unsigned)sessions, messages, (unsigned)client->bad_frames, failures);
  return failures == 0 && sessions > 0 && messages > 0 ? 0 : 1;
}
