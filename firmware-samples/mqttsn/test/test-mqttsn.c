/*
 * Tests of the client against a gateway that the test plays, octet by octet.
 *
 * SPDX-License-Identifier: MIT
 */
#include "bench.h"

/* What the longest message has behind its type. */
enum { LONGEST_BODY = MQTTSN_MAX_FRAME - (MQTTSN_MAX_FRAME > 255 ? 4 : 2) };

static void connects_and_disconnects(void)
{
  struct bench *bench = new_bench();
  struct mqttsn *client = &bench->client;
  CHECK(mqttsn_register(client, "a") == MQTTSN_NOT_CONNECTED);
  CHECK(mqttsn_disconnect(client) == MQTTSN_NOT_CONNECTED);
  CHECK(mqttsn_connect(client, false, 300) == MQTTSN_OK);
  CHECK(mqttsn_is_busy(client));
  CHECK(mqttsn_connect(client, false, 300) == MQTTSN_BUSY);
  CHECK(sent(bench, "0a 04 00 01 01 2c 'node'"));
  gateway(bench, "03 05 00");
  CHECK(!mqttsn_is_busy(client));
  CHECK(client->state == MQTTSN_ACTIVE);
  CHECK(mqttsn_disconnect(client) == MQTTSN_OK);
  CHECK(sent(bench, "02 18"));
  gateway(bench, "02 18");
  CHECK(client->state == MQTTSN_DISCONNECTED && client->result == MQTTSN_OK);
}

static void is_refused(void)
{
  struct bench *bench = new_bench();
  struct mqttsn *client = &bench->client;
  mqttsn_connect(client, true, 60);
  gateway(bench, "03 05 03");
  CHECK(client->state == MQTTSN_DISCONNECTED && client->result == MQTTSN_NOT_SUPPORTED);
  /* A return code that is reserved is a refusal all the same. */
  mqttsn_connect(client, true, 60);
  gateway(bench, "03 05 77");
  CHECK(client->result == MQTTSN_NOT_SUPPORTED);
}

static void repeats_until_it_gives_up(void)
{
  struct bench *bench = new_bench();
  struct mqttsn *client = &bench->client;
  mqttsn_connect(client, true, 60);
  CHECK(sent(bench, "0a 04 04 01 00 3c 'node'"));
  for (int i = 0; i < 4; i++) {
    pass(bench, 9999);
    CHECK(quiet(bench));
    pass(bench, 1);
    CHECK(sent(bench, "0a 04 04 01 00 3c 'node'"));
  }
  CHECK(mqttsn_is_busy(client));
  pass(bench, 10000);
  CHECK(quiet(bench) && !mqttsn_is_busy(client));
  CHECK(client->result == MQTTSN_NO_ANSWER && client->repeated == 4);
}

static void finishes_by_itself(void)
{
  struct bench *bench = new_bench();
  uint32_t begun = bench->now;
  mqttsn_connect(&bench->client, true, 60);
  CHECK(mqttsn_finish(&bench->client) == MQTTSN_NO_ANSWER);
  CHECK(bench->now - begun == 50000);
}

static void tells_its_will(void)
{
  struct bench *bench = new_bench();
  struct mqttsn *client = &bench->client;
  struct mqttsn_will will = {"w/t", (const uint8_t *)"gone", 4, 1, true};
  client->will = &will;
  mqttsn_connect(client, true, 60);
  CHECK(sent(bench, "0a 04 0c 01 00 3c 'node'"));
  gateway(bench, "02 06");
  CHECK(sent(bench, "06 07 30 'w/t'"));
  /* Its WILLTOPIC was lost: repeated, as is the request of a gateway that missed it. */
  pass(bench, 10000);
  CHECK(sent(bench, "06 07 30 'w/t'"));
  gateway(bench, "02 06");
  CHECK(sent(bench, "06 07 30 'w/t'"));
  gateway(bench, "02 08");
  CHECK(sent(bench, "06 09 'gone'"));
  gateway(bench, "03 05 00");
  CHECK(client->state == MQTTSN_ACTIVE);
  /* Later requests for the will are of no dialogue. */
  gateway(bench, "02 06");
  CHECK(quiet(bench));

  CHECK(mqttsn_update_will_topic(client, "w", 2, false) == MQTTSN_OK);
  CHECK(sent(bench, "04 1a 40 'w'"));
  gateway(bench, "03 1d 00");
  CHECK(mqttsn_is_busy(client));
  gateway(bench, "03 1b 00");
  CHECK(client->result == MQTTSN_OK);
  CHECK(mqttsn_update_will_message(client, "lost", 4) == MQTTSN_OK);
  CHECK(sent(bench, "06 1c 'lost'"));
  gateway(bench, "03 1d 03");
  CHECK(client->result == MQTTSN_NOT_SUPPORTED);
  CHECK(mqttsn_update_will_topic(client, NULL, 0, false) == MQTTSN_OK);
  CHECK(sent(bench, "02 1a"));
}

static void begins_its_will_dialogue_anew_with_a_gateway_that_forgot_it(void)
{
  struct bench *bench = new_bench();
  struct mqttsn_will will = {"", NULL, 0, 0, false};
  bench->client.will = &will;
  mqttsn_connect(&bench->client, false, 60);
  CHECK(sent(bench, "0a 04 08 01 00 3c 'node'"));
  gateway(bench, "02 06");
  CHECK(sent(bench, "02 07"));
  gateway(bench, "02 18");
  CHECK(mqttsn_is_busy(&bench->client));
  pass(bench, 10000);
  CHECK(sent(bench, "0a 04 08 01 00 3c 'node'"));
}

static void registers(void)
{
  struct bench *bench = connected();
  struct mqttsn *client = &bench->client;
  CHECK(mqttsn_register(client, "room/1") == MQTTSN_OK);
  CHECK(sent(bench, "0c 0a 00 00 00 01 'room/1'"));
  gateway(bench, "07 0b 00 05 00 02 00"); /* of another message id */
  CHECK(mqttsn_is_busy(client));
  gateway(bench, "07 0b 00 05 00 01 00");
  CHECK(!mqttsn_is_busy(client) && client->topic_id == 5);
  CHECK(mqttsn_register(client, "room/+") == MQTTSN_OK);
  CHECK(sent(bench, "0c 0a 00 00 00 02 'room/+'"));
  gateway(bench, "07 0b 00 00 00 02 03");
  CHECK(client->result == MQTTSN_NOT_SUPPORTED);
  char name[MQTTSN_MAX_FRAME];
  memset(name, 'n', sizeof name);
  name[LONGEST_BODY - 4] = '\0';
  CHECK(mqttsn_register(client, name) == MQTTSN_OK);
  gateway(bench, "07 0b 00 07 00 03 00");
  name[LONGEST_BODY - 4] = 'n';
  name[LONGEST_BODY - 3] = '\0';
  CHECK(mqttsn_register(client, name) == MQTTSN_TOO_LONG);
  CHECK(!mqttsn_is_busy(client));
}

static void subscribes(void)
{
  struct bench *bench = connected();
  struct mqttsn *client = &bench->client;
  CHECK(mqttsn_subscribe(client, "a/#", 2) == MQTTSN_OK);
  CHECK(sent(bench, "08 12 40 00 01 'a/#'"));
  pass(bench, 10000);
  CHECK(sent(bench, "08 12 c0 00 01 'a/#'"));
  gateway(bench, "08 13 20 00 00 00 01 00");
  CHECK(client->result == MQTTSN_OK && client->topic_id == 0 && client->granted_qos == 1);
  CHECK(mqttsn_subscribe_id(client, MQTTSN_PREDEFINED, 7, 1) == MQTTSN_OK);
  CHECK(sent(bench, "07 12 21 00 02 00 07"));
  gateway(bench, "08 13 20 00 07 00 02 02");
  CHECK(client->result == MQTTSN_INVALID_TOPIC_ID);
  CHECK(mqttsn_subscribe_id(client, MQTTSN_SHORT, mqttsn_short_name('h', 'i'), 0) == MQTTSN_OK);
  CHECK(sent(bench, "07 12 02 00 03 'hi'"));
  gateway(bench, "08 13 00 00 00 00 03 00");
  CHECK(mqttsn_unsubscribe(client, "a/#") == MQTTSN_OK);
  CHECK(sent(bench, "08 14 00 00 04 'a/#'"));
  gateway(bench, "04 15 00 04");
  CHECK(client->result == MQTTSN_OK && !mqttsn_is_busy(client));
  CHECK(mqttsn_unsubscribe_id(client, MQTTSN_SHORT, mqttsn_short_name('h', 'i')) == MQTTSN_OK);
  CHECK(sent(bench, "07 14 02 00 05 'hi'"));
  gateway(bench, "04 15 00 05");
}

static void publishes_at_every_qos(void)
{
  struct bench *bench = new_bench();
  struct mqttsn *client = &bench->client;
  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 1, "x", 1, 0, false) == MQTTSN_NOT_CONNECTED);
  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 1, "x", 1, -1, false) == MQTTSN_NOT_SUPPORTED);
  CHECK(mqttsn_publish(client, MQTTSN_PREDEFINED, 1, "x", 1, -1, false) == MQTTSN_OK);
  CHECK(sent(bench, "08 0c 61 00 01 00 00 'x'"));

  bench = connected();
  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 5, "21.5", 4, 0, true) == MQTTSN_OK);
  CHECK(!mqttsn_is_busy(client));
  CHECK(sent(bench, "0b 0c 10 00 05 00 00 '21.5'"));

  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 5, "a", 1, 1, false) == MQTTSN_OK);
  CHECK(sent(bench, "08 0c 20 00 05 00 01 'a'"));
  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 5, "b", 1, 0, false) == MQTTSN_BUSY);
  pass(bench, 10000);
  CHECK(sent(bench, "08 0c a0 00 05 00 01 'a'"));
  gateway(bench, "07 0d 00 05 00 01 00");
  CHECK(client->result == MQTTSN_OK && !mqttsn_is_busy(client));

  CHECK(mqttsn_publish(client, MQTTSN_SHORT, mqttsn_short_name('h', 'i'), "c", 1, 2, false) == 0);
  CHECK(sent(bench, "08 0c 42 'hi' 00 02 'c'"));
  gateway(bench, "07 0d 'hi' 00 02 00"); /* QoS 2 is accepted by PUBREC alone */
  CHECK(mqttsn_is_busy(client));
  gateway(bench, "04 0f 00 02");
  CHECK(sent(bench, "04 10 00 02"));
  pass(bench, 10000);
  CHECK(sent(bench, "04 10 00 02"));
  gateway(bench, "04 0f 00 02");
  CHECK(sent(bench, "04 10 00 02"));
  gateway(bench, "04 0e 00 02");
  CHECK(client->result == MQTTSN_OK && !mqttsn_is_busy(client));
  /* PUBREC again, of what is over: ended once more. */
  gateway(bench, "04 0f 00 02");
  CHECK(sent(bench, "04 10 00 02"));

  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 9, "a", 1, 1, false) == MQTTSN_OK);
  gateway(bench, "07 0d 00 09 00 03 02");
  CHECK(client->result == MQTTSN_INVALID_TOPIC_ID);
  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 9, "a", 1, 0, false) == MQTTSN_OK);
  gateway(bench, "07 0d 00 09 00 00 02");
  CHECK(bench->rejected == MQTTSN_INVALID_TOPIC_ID);
}

static void knows_how_much_fits(void)
{
  struct bench *bench = connected();
  char data[MQTTSN_MAX_FRAME] = {0};
  CHECK(mqttsn_publish(&bench->client, 0, 1, data, LONGEST_BODY - 5, 0, false) == MQTTSN_OK);
  CHECK(bench->sent_count == 1 && bench->sent[0].length == MQTTSN_MAX_FRAME);
  CHECK(mqttsn_publish(&bench->client, 0, 1, data, LONGEST_BODY - 4, 0, false) ==
        MQTTSN_TOO_LONG);
  CHECK(mqttsn_publish(&bench->client, 0, 1, data, 65535, 0, false) == MQTTSN_TOO_LONG);
}

static void is_told_of_congestion(void)
{
  struct bench *bench = connected();
  struct mqttsn *client = &bench->client;
  mqttsn_publish(client, MQTTSN_NORMAL, 5, "a", 1, 1, false);
  gateway(bench, "07 0d 00 05 00 01 01");
  CHECK(client->result == MQTTSN_CONGESTION);
  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 5, "a", 1, 0, false) == MQTTSN_LATER);
  CHECK(mqttsn_register(client, "a") == MQTTSN_LATER);
  CHECK(mqttsn_subscribe(client, "a", 0) == MQTTSN_LATER);
  /* Keeping alive goes on meanwhile. */
  bench->sent_count = 0;
  pass(bench, 45000);
  CHECK(sent(bench, "02 16"));
  gateway(bench, "02 17");
  bench->now += 255000;
  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 5, "a", 1, 0, false) == MQTTSN_OK);

  bench = new_bench();
  mqttsn_connect(client, true, 60);
  gateway(bench, "03 05 01");
  CHECK(client->result == MQTTSN_CONGESTION);
  CHECK(mqttsn_connect(client, true, 60) == MQTTSN_LATER);
  bench->now += 300000;
  CHECK(mqttsn_connect(client, true, 60) == MQTTSN_OK);
}

static void receives_at_every_qos(void)
{
  struct bench *bench = connected();
  gateway(bench, "09 0c 10 00 08 00 00 'on'");
  CHECK(bench->messages == 1 && strcmp(bench->last_data, "on") == 0 && quiet(bench));
  CHECK(bench->last.retain && bench->last.qos == 0 && bench->last.topic_id == 8);
  gateway(bench, "09 0c a0 00 08 00 04 'on'");
  CHECK(bench->messages == 2 && bench->last.dup && bench->last.qos == 1);
  CHECK(sent(bench, "07 0d 00 08 00 04 00"));
  gateway(bench, "09 0c 40 00 08 00 05 'on'");
  CHECK(bench->messages == 3);
  CHECK(sent(bench, "04 0f 00 05"));
  gateway(bench, "09 0c c0 00 08 00 05 'on'");
  CHECK(bench->messages == 3);
  CHECK(sent(bench, "04 0f 00 05"));
  gateway(bench, "04 10 00 05");
  CHECK(sent(bench, "04 0e 00 05"));
  gateway(bench, "04 10 00 05");
  CHECK(sent(bench, "04 0e 00 05"));
  /* The same message id of another message. */
  gateway(bench, "09 0c 40 00 08 00 05 'of'");
  CHECK(bench->messages == 4);
  CHECK(sent(bench, "04 0f 00 05"));
}

static void answers_what_the_program_decides(void)
{
  struct bench *bench = connected();
  bench->verdict = MQTTSN_INVALID_TOPIC_ID;
  gateway(bench, "08 0c 00 00 08 00 00 'x'");
  CHECK(sent(bench, "07 0d 00 08 00 00 02"));
  gateway(bench, "08 0c 40 00 08 00 06 'x'");
  CHECK(sent(bench, "07 0d 00 08 00 06 02"));
  bench->verdict = MQTTSN_LATER;
  gateway(bench, "08 0c 40 00 08 00 06 'x'");
  CHECK(quiet(bench));
  bench->verdict = MQTTSN_OK;
  gateway(bench, "08 0c c0 00 08 00 06 'x'");
  CHECK(sent(bench, "04 0f 00 06") && bench->messages == 4);

  gateway(bench, "09 0a 00 0c 00 01 'a/b'");
  CHECK(sent(bench, "07 0b 00 0c 00 01 00"));
  CHECK(bench->last_registered == 12 && strcmp(bench->last_name, "a/b") == 0);
  bench->register_verdict = MQTTSN_NOT_SUPPORTED;
  gateway(bench, "09 0a 00 0c 00 02 'a/b'");
  CHECK(sent(bench, "07 0b 00 0c 00 02 03"));
}

static void outlives_a_gateway_that_never_ends_its_exchanges(void)
{
  struct bench *bench = connected();
  for (int id = 1; id <= 3 * MQTTSN_MAX_OPEN; id++) {
    char frame[40];
    snprintf(frame, sizeof frame, "08 0c 40 00 08 00 %02x 'x'", (unsigned)id);
    gateway(bench, frame);
    CHECK(bench->messages == (unsigned)id);
    bench->sent_count = 0;
  }
}

static void keeps_alive(void)
{
  struct bench *bench = connected();
  struct mqttsn *client = &bench->client;
  pass(bench, 44999);
  CHECK(quiet(bench));
  pass(bench, 1);
  CHECK(sent(bench, "02 16"));
  gateway(bench, "02 17");
  CHECK(client->state == MQTTSN_ACTIVE && !mqttsn_is_busy(client));
  /* Publishing at QoS 0 alone does not show whether the gateway is there. */
  for (int i = 0; i < 4; i++) {
    pass(bench, 10000);
    CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 5, "a", 1, 0, false) == MQTTSN_OK);
    CHECK(sent(bench, "08 0c 00 00 05 00 00 'a'"));
  }
  pass(bench, 5000);
  CHECK(sent(bench, "02 16"));
  for (int i = 0; i < 5; i++) pass(bench, 10000);
  CHECK(client->state == MQTTSN_DISCONNECTED && client->result == MQTTSN_NO_ANSWER);
  bench = connected();
  gateway(bench, "02 16");
  CHECK(sent(bench, "02 17"));
}

static void is_ended_by_the_gateway(void)
{
  struct bench *bench = connected();
  struct mqttsn *client = &bench->client;
  mqttsn_publish(client, MQTTSN_NORMAL, 5, "a", 1, 1, false);
  gateway(bench, "02 18");
  CHECK(client->state == MQTTSN_DISCONNECTED && client->result == MQTTSN_GONE);
  /* One that comes late does not stop the next attempt. */
  mqttsn_connect(client, false, 60);
  gateway(bench, "02 18");
  CHECK(mqttsn_is_busy(client));
  gateway(bench, "03 05 00");
  CHECK(client->state == MQTTSN_ACTIVE);
  gateway(bench, "02 18");
  CHECK(client->state == MQTTSN_DISCONNECTED);
}

static void sleeps_and_fetches(void)
{
  struct bench *bench = asleep();
  struct mqttsn *client = &bench->client;
  /* The answer to a repeated request. */
  gateway(bench, "02 18");
  CHECK(client->state == MQTTSN_ASLEEP);
  pass(bench, 200000);
  CHECK(quiet(bench));
  CHECK(mqttsn_publish(client, MQTTSN_NORMAL, 5, "a", 1, 1, false) == MQTTSN_NOT_CONNECTED);
  CHECK(mqttsn_check(client) == MQTTSN_OK);
  CHECK(sent(bench, "06 16 'node'"));
  pass(bench, 9000);
  gateway(bench, "08 0c 20 00 08 00 01 'x'");
  CHECK(sent(bench, "07 0d 00 08 00 01 00"));
  /* As long as messages come, it waits. */
  pass(bench, 9000);
  CHECK(quiet(bench));
  pass(bench, 1000);
  CHECK(sent(bench, "06 16 'node'"));
  gateway(bench, "02 17");
  CHECK(client->state == MQTTSN_ASLEEP && client->result == MQTTSN_OK);
  CHECK(!mqttsn_is_busy(client) && bench->messages == 1);

  /* A gateway out of reach: asleep again, for later. */
  mqttsn_check(client);
  CHECK(mqttsn_finish(client) == MQTTSN_NO_ANSWER);
  CHECK(client->state == MQTTSN_ASLEEP);
  /* One that knows nothing of it. */
  mqttsn_check(client);
  gateway(bench, "02 18");
  CHECK(client->state == MQTTSN_DISCONNECTED && client->result == MQTTSN_GONE);

  bench = asleep();
  CHECK(mqttsn_connect(client, false, 60) == MQTTSN_OK);
  gateway(bench, "08 0c 20 00 08 00 01 'x'"); /* its CONNACK was lost */
  CHECK(bench->messages == 1);
  gateway(bench, "03 05 00");
  CHECK(client->state == MQTTSN_ACTIVE);
}

static void sends_qos_2_once_over_a_lost_connection(void)
{
  struct bench *bench = connected();
  struct mqttsn *client = &bench->client;
  mqttsn_publish(client, MQTTSN_NORMAL, 5, "a", 1, 2, false);
  bench->sent_count = 0;
  gateway(bench, "02 18");
  uint16_t id = client->message_id;
  mqttsn_connect(client, false, 60);
  gateway(bench, "03 05 00");
  bench->sent_count = 0;
  CHECK(mqttsn_publish_again(client, id, MQTTSN_NORMAL, 5, "a", 1, 2, false) == MQTTSN_OK);
  CHECK(sent(bench, "08 0c c0 00 05 00 01 'a'"));
  gateway(bench, "04 0f 00 01");
  CHECK(sent(bench, "04 10 00 01"));
  gateway(bench, "02 18");
  CHECK(client->result == MQTTSN_GONE);
  mqttsn_connect(client, false, 60);
  gateway(bench, "03 05 00");
  bench->sent_count = 0;
  /* The gateway has the message: it is released, not sent again. */
  CHECK(mqttsn_publish_again(client, id, MQTTSN_NORMAL, 5, "a", 1, 2, false) == MQTTSN_OK);
  CHECK(sent(bench, "04 10 00 01"));
  gateway(bench, "04 0e 00 01");
  CHECK(client->result == MQTTSN_OK && !mqttsn_is_busy(client));
}

static void takes_no_harm_from_frames_that_make_no_sense(void)
{
  static const char *const frames[] = {
      "00",          "01",       "02",          "03 05",          "02 05",
      "04 05 00",    "03 05 00 00", "01 00 04 05", "01 00 03",    "06 0c 00 00 08 00",
      "08 0c 80",    "07 0c 20 00 08 00 00", "07 0c 60 00 08 00 01", "07 0c 03 00 08 00 01",
      "06 0a 00 01 00 01", "02 ff", "02 19", "05 18 00 00 00", "03 17 00", "03 10 00",
  };
  struct bench *bench = connected();
  unsigned count = sizeof frames / sizeof frames[0];
  for (unsigned i = 0; i < count; i++) gateway(bench, frames[i]);
  CHECK(bench->client.bad_frames == count);
  CHECK(quiet(bench) && bench->messages == 0 && bench->client.state == MQTTSN_ACTIVE);
  /* Discovery is none of the client's business, nor a mistake. */
  gateway(bench, "05 00 01 03 84");
  gateway(bench, "03 02 01");
  CHECK(bench->client.bad_frames == count);
  /* The long form of the length is as good for short messages. */
  gateway(bench, "01 00 0a 0c 00 00 08 00 00 'x'");
  CHECK(bench->messages == 1 && strcmp(bench->last_data, "x") == 0);
  /* Without a session nothing is taken. */
  bench = new_bench();
  gateway(bench, "08 0c 20 00 08 00 01 'x'");
  gateway(bench, "09 0a 00 0c 00 01 'a/b'");
  gateway(bench, "04 10 00 05");
  gateway(bench, "02 16");
  CHECK(quiet(bench) && bench->messages == 0);
}

#define TEST(name) {#name, name}

int main(void)
{
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {
      TEST(connects_and_disconnects),
      TEST(is_refused),
      TEST(repeats_until_it_gives_up),
      TEST(finishes_by_itself),
      TEST(tells_its_will),
      TEST(begins_its_will_dialogue_anew_with_a_gateway_that_forgot_it),
      TEST(registers),
      TEST(subscribes),
      TEST(publishes_at_every_qos),
      TEST(knows_how_much_fits),
      TEST(is_told_of_congestion),
      TEST(receives_at_every_qos),
      TEST(answers_what_the_program_decides),
      TEST(outlives_a_gateway_that_never_ends_its_exchanges),
      TEST(keeps_alive),
      TEST(is_ended_by_the_gateway),
      TEST(sleeps_and_fetches),
      TEST(sends_qos_2_once_over_a_lost_connection),
      TEST(takes_no_harm_from_frames_that_make_no_sense),
  };
  unsigned count = sizeof tests / sizeof tests[0];
  for (unsigned i = 0; i < count; i++) {
    running = tests[i].name;
    tests[i].run();
  }
  printf("%u tests, %d failures\n", count, failures);
  return failures == 0 ? 0 : 1;
}
