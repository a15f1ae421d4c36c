/*
 * A sensor node; see node.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "node.h"

#include "board.h"
#include "mqttsn.h"

#include <stddef.h>
#include <string.h>

enum {
  NAME_LENGTH = 40,
  REPLY_LENGTH = 40,
  REPLIES = 4,
  MISSED_CHECKS = 3,
  LONGEST_BACK_OFF = 30000, /* ms */
  NO_QOS = -1
};

struct reply {
  int8_t qos;
  uint8_t length;
  char text[REPLY_LENGTH];
};

static struct mqttsn client;
static struct node_options options;
static char will_topic[NAME_LENGTH];
static struct mqttsn_will will = {will_topic, (const uint8_t *)"lost", 4, 1, true};
static uint16_t temperature_id;
static uint16_t reply_id;
static uint16_t command_id;
static bool settled;      /* the gateway knows topics and subscription */
static bool has_session;  /* connected once since the reset */
static uint8_t missed;    /* checks in a row that were not answered */
static uint16_t back_off; /* ms until the next attempt to connect */
static uint32_t last_reading;
static bool has_read;
static struct reply replies[REPLIES];
static uint8_t first_reply;
static uint8_t reply_count;
static uint16_t unfinished_id; /* of the first reply, if it may have arrived already */

/* ------------------------------------------------------------------ texts */

static uint8_t append(char *text, uint8_t at, uint8_t capacity, const char *more)
{
  while (*more != '\0' && at + 1 < capacity) text[at++] = *more++;
  text[at] = '\0';
  return at;
}

static uint8_t append_number(char *text, uint8_t at, uint8_t capacity, uint16_t number)
{
  char digits[6];
  uint8_t place = sizeof digits - 1;
  digits[place] = '\0';
  do {
    digits[--place] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  return append(text, at, capacity, digits + place);
}

static void put_topic(char *name, const char *last)
{
  uint8_t at = append(name, 0, NAME_LENGTH, "nodes/");
  at = append(name, at, NAME_LENGTH, options.client_id);
  at = append(name, at, NAME_LENGTH, "/");
  append(name, at, NAME_LENGTH, last);
}

static bool begins_with(const char **text, const char *word)
{
  size_t length = strlen(word);
  if (strncmp(*text, word, length) != 0) return false;
  *text += length;
  return true;
}

static uint16_t number_in(const char *text)
{
  uint16_t number = 0;
  while (*text >= '0' && *text <= '9' && number < 6553) {
    number = (uint16_t)(number * 10 + (uint16_t)(*text++ - '0'));
  }
  return number;
}

/* ------------------------------------------------------------------ commands */

static struct reply *new_reply(int8_t qos)
{
  struct reply *reply = &replies[(first_reply + reply_count) % REPLIES];
  reply_count++;
  reply->qos = qos;
  reply->length = 0;
  return reply;
}

static void say(int8_t qos, const char *text)
{
  struct reply *reply = new_reply(qos);
  reply->length = append(reply->text, 0, REPLY_LENGTH, text);
}

static void say_state(void)
{
  struct reply *reply = new_reply(1);
  uint8_t at = append(reply->text, 0, REPLY_LENGTH, "repeated ");
  at = append_number(reply->text, at, REPLY_LENGTH, client.repeated);
  at = append(reply->text, at, REPLY_LENGTH, ", bad ");
  reply->length = append_number(reply->text, at, REPLY_LENGTH, client.bad_frames);
}

static void obey(const char *command)
{
  if (begins_with(&command, "led ")) {
    bool on = strcmp(command, "on") == 0;
    board_led(on);
    say(1, on ? "led on" : "led off");
  } else if (begins_with(&command, "sleep ")) {
    options.sleep = number_in(command);
    say(1, "sleep");
  } else if (begins_with(&command, "interval ")) {
    options.interval = number_in(command);
    say(1, "interval");
  } else if (begins_with(&command, "say ") && command[0] != '\0' && command[1] == ' ') {
    bool silent = command[0] == '-';
    say(silent ? NO_QOS : (int8_t)((command[0] - '0') & 3), command + 2);
  } else if (strcmp(command, "state") == 0) {
    say_state();
  } else {
    say(1, "?");
  }
}

static int on_message(void *user, const struct mqttsn_message *message)
{
  (void)user;
  if (message->topic_type != MQTTSN_NORMAL || message->topic_id != command_id) {
    return MQTTSN_INVALID_TOPIC_ID;
  }
  /* No room for what there would be to say: the gateway keeps the command, over sleep too. */
  if (reply_count == REPLIES) {
    return client.state == MQTTSN_ASLEEP ? MQTTSN_CONGESTION : MQTTSN_LATER;
  }
  char command[REPLY_LENGTH + 8];
  uint16_t length = message->length;
  if (length > sizeof command - 1) length = sizeof command - 1;
  memcpy(command, message->data, length);
  command[length] = '\0';
  obey(command);
  return MQTTSN_OK;
}

/* After a restart of the gateway the command topic may have another id. */
static int on_registered(void *user, uint16_t topic_id, const char *name, uint16_t length)
{
  (void)user;
  char expected[NAME_LENGTH];
  put_topic(expected, "command");
  if (strlen(expected) != length || memcmp(expected, name, length) != 0) {
    return MQTTSN_NOT_SUPPORTED;
  }
  command_id = topic_id;
  return MQTTSN_OK;
}

static void on_rejected(void *user, uint16_t topic_id, int result)
{
  (void)user;
  (void)topic_id;
  if (result == MQTTSN_INVALID_TOPIC_ID) settled = false;
}

/* ------------------------------------------------------------------ the port */

static bool port_send(void *user, const uint8_t *frame, uint16_t length)
{
  (void)user;
  return board_send(frame, length);
}

static uint16_t port_receive(void *user, uint8_t *frame, uint16_t capacity)
{
  (void)user;
  return board_receive(frame, capacity);
}

static uint32_t port_now(void *user)
{
  (void)user;
  return board_millis();
}

static void port_idle(void *user)
{
  (void)user;
  board_idle();
}

static const struct mqttsn_port port = {port_send,  port_receive,  port_now,   port_idle,
                                        on_message, on_registered, on_rejected};

/* ------------------------------------------------------------------ the session */

/* The result of a request that has just been made. */
static int finish(int status)
{
  return status == MQTTSN_OK ? mqttsn_finish(&client) : status;
}

static bool learn_topic(const char *last, uint16_t *id)
{
  char name[NAME_LENGTH];
  put_topic(name, last);
  if (finish(mqttsn_register(&client, name)) != MQTTSN_OK) return false;
  *id = client.topic_id;
  return true;
}

/* Tells the gateway all that it must know of the node. */
static bool settle(void)
{
  uint16_t status_id;
  char name[NAME_LENGTH];
  if (!learn_topic("temperature", &temperature_id)) return false;
  if (!learn_topic("reply", &reply_id)) return false;
  if (!learn_topic("status", &status_id)) return false;
  put_topic(name, "command");
  if (finish(mqttsn_subscribe(&client, name, 2)) != MQTTSN_OK) return false;
  command_id = client.topic_id;
  int status = mqttsn_publish(&client, MQTTSN_NORMAL, status_id, "online", 6, 1, true);
  settled = finish(status) == MQTTSN_OK;
  return settled;
}

static void wait_before_next_attempt(void)
{
  /* Nodes that lost the gateway together do not come back together. */
  uint16_t spread = (uint16_t)(board_millis() % 8) * (back_off / 16);
  uint32_t begun = board_millis();
  while (board_millis() - begun < (uint32_t)back_off + spread) board_idle();
  back_off = back_off >= LONGEST_BACK_OFF / 2 ? LONGEST_BACK_OFF : (uint16_t)(back_off * 2);
}

static void come_up(void)
{
  client.will = &will;
  /* Right after a reset the node knows nothing of a session that the gateway may have. */
  if (finish(mqttsn_connect(&client, !has_session, options.keep_alive)) == MQTTSN_OK) {
    has_session = true;
    missed = 0;
    if (settle()) {
      back_off = 500;
      return;
    }
  }
  wait_before_next_attempt();
}

/* From sleep to active: topics, subscription and will are those of before. */
static void resume(void)
{
  missed = 0;
  client.will = NULL;
  finish(mqttsn_connect(&client, false, options.keep_alive));
}

/* ------------------------------------------------------------------ work */

static bool is_reading_due(void)
{
  return !has_read || board_millis() - last_reading >= (uint32_t)options.interval * 1000u;
}

static void publish_reading(void)
{
  char text[8];
  int16_t tenths = board_temperature();
  uint16_t size = (uint16_t)(tenths < 0 ? -tenths : tenths);
  uint8_t at = append(text, 0, sizeof text, tenths < 0 ? "-" : "");
  at = append_number(text, at, sizeof text, size / 10);
  at = append(text, at, sizeof text, ".");
  at = append_number(text, at, sizeof text, size % 10);
  int result = finish(mqttsn_publish(&client, MQTTSN_NORMAL, temperature_id, text, at, 1, false));
  if (result == MQTTSN_INVALID_TOPIC_ID) settled = false;
  /* One that was not taken is not worth keeping: the next one is fresher. */
  has_read = true;
  last_reading = board_millis();
}

static int send_reply(const struct reply *reply)
{
  if (reply->qos == NO_QOS) {
    uint16_t short_name = mqttsn_short_name('s', 'n');
    return mqttsn_publish(&client, MQTTSN_SHORT, short_name, reply->text, reply->length, -1, false);
  }
  if (unfinished_id != 0) {
    return mqttsn_publish_again(&client, unfinished_id, MQTTSN_NORMAL, reply_id, reply->text,
                                reply->length, reply->qos, false);
  }
  return mqttsn_publish(&client, MQTTSN_NORMAL, reply_id, reply->text, reply->length, reply->qos,
                        false);
}

static void publish_reply(void)
{
  const struct reply *reply = &replies[first_reply];
  int result = finish(send_reply(reply));
  switch (result) {
    case MQTTSN_NO_ANSWER:
    case MQTTSN_GONE:
      unfinished_id = client.message_id;
      return;
    case MQTTSN_NOT_CONNECTED:
    case MQTTSN_BUSY:
      return;
    case MQTTSN_LATER:
    case MQTTSN_CONGESTION:
      board_idle();
      return;
    case MQTTSN_INVALID_TOPIC_ID:
      settled = false;
      unfinished_id = 0;
      return;
    default:
      /* Done, or refused for good. */
      unfinished_id = 0;
      first_reply = (uint8_t)((first_reply + 1) % REPLIES);
      reply_count--;
  }
}

static void be_active(void)
{
  if (!settled && !settle()) {
    if (client.state == MQTTSN_ACTIVE) wait_before_next_attempt();
  } else if (reply_count > 0) {
    publish_reply();
  } else if (is_reading_due()) {
    publish_reading();
  } else if (options.sleep > 0) {
    /* The gateway may miss a waking or two before it takes the node for lost. */
    finish(mqttsn_sleep(&client, options.sleep > 20000 ? 60000 : (uint16_t)(options.sleep * 3)));
  } else {
    board_idle();
  }
}

static void be_asleep(void)
{
  board_power_down(options.sleep);
  bool has_news = reply_count > 0 || is_reading_due();
  if (!has_news) {
    missed = finish(mqttsn_check(&client)) == MQTTSN_OK ? 0 : (uint8_t)(missed + 1);
    if (client.state == MQTTSN_DISCONNECTED) return;
    has_news = reply_count > 0 || options.sleep == 0 || missed >= MISSED_CHECKS;
  }
  if (has_news) resume();
}

void node_start(const struct node_options *given)
{
  options = *given;
  put_topic(will_topic, "status");
  back_off = 500;
  mqttsn_init(&client, &port, NULL, options.client_id);
  client.retry_interval = options.retry_interval;
}

void node_step(void)
{
  mqttsn_poll(&client);
  if (mqttsn_is_busy(&client)) {
    board_idle();
    return;
  }
  switch (client.state) {
    case MQTTSN_DISCONNECTED:
      settled = false;
      come_up();
      break;
    case MQTTSN_ASLEEP:
      be_asleep();
      break;
    case MQTTSN_ACTIVE:
      be_active();
      break;
  }
}
