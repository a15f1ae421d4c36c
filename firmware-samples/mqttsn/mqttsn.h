/*
 * A client of MQTT-SN 1.2 for small devices: no memory but one struct, nothing awaited inside.
 *
 * SPDX-License-Identifier: MIT
 *
 * The program calls mqttsn_poll() again and again; everything goes on from there. One request of
 * the program (connect, register, subscribe, publish at QoS 1 or 2, sleep, ...) is under way at a
 * time, as MQTT-SN has it (sections 6.5, 6.6 and 6.9). It is repeated every `retry_interval` until
 * it is answered, at most `retry_limit` times (section 6.13). A program that likes straight lines
 * writes
 *
 *     mqttsn_connect(&client, true, 60);
 *     if (mqttsn_finish(&client) != MQTTSN_OK) ...
 *
 * and one that must not wait looks at mqttsn_is_busy() in its own loop, then at `client.result`.
 * Functions must not be called from interrupts.
 */
#ifndef MQTTSN_H
#define MQTTSN_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The longest message in octets, each way; two buffers of this size are most of the memory. */
#ifndef MQTTSN_MAX_FRAME
#define MQTTSN_MAX_FRAME 64
#endif
#if MQTTSN_MAX_FRAME < 16
#error "MQTTSN_MAX_FRAME must be at least 16"
#endif

/* How many QoS 2 messages the gateway may have begun and not ended. Midge has one at a time. */
#ifndef MQTTSN_MAX_OPEN
#define MQTTSN_MAX_OPEN 4
#endif

/* Results. Those from 0 up are return codes as they are sent (section 5.3.10). */
enum {
  MQTTSN_OK = 0,
  MQTTSN_CONGESTION = 1,       /* the gateway is busy; see `congestion_wait` */
  MQTTSN_INVALID_TOPIC_ID = 2, /* register the name again */
  MQTTSN_NOT_SUPPORTED = 3,    /* refused */
  MQTTSN_BUSY = -1,            /* another request is under way */
  MQTTSN_TOO_LONG = -2,        /* does not fit in MQTTSN_MAX_FRAME */
  MQTTSN_NOT_CONNECTED = -3,
  MQTTSN_NO_ANSWER = -4, /* after all repetitions; the client counts as disconnected then */
  MQTTSN_GONE = -5,      /* the gateway has ended the session or knows of none: connect again */
  MQTTSN_LATER = -6      /* `congestion_wait` is not over; from `message`: ask me again */
};

/* What a topic id is (sections 5.3.4, 6.7). */
enum { MQTTSN_NORMAL = 0, MQTTSN_PREDEFINED = 1, MQTTSN_SHORT = 2 };

enum mqttsn_state { MQTTSN_DISCONNECTED, MQTTSN_ACTIVE, MQTTSN_ASLEEP };

enum mqttsn_request {
  MQTTSN_REQUEST_NONE,
  MQTTSN_REQUEST_CONNECT,
  MQTTSN_REQUEST_REGISTER,
  MQTTSN_REQUEST_SUBSCRIBE,
  MQTTSN_REQUEST_UNSUBSCRIBE,
  MQTTSN_REQUEST_PUBLISH,
  MQTTSN_REQUEST_RELEASE, /* the second half of a QoS 2 PUBLISH */
  MQTTSN_REQUEST_PING,    /* of its own accord, to keep the connection alive */
  MQTTSN_REQUEST_SLEEP,
  MQTTSN_REQUEST_CHECK,
  MQTTSN_REQUEST_WILL_TOPIC,
  MQTTSN_REQUEST_WILL_MESSAGE,
  MQTTSN_REQUEST_DISCONNECT
};

struct mqttsn_message {
  uint16_t topic_id;
  uint8_t topic_type; /* MQTTSN_NORMAL, ... */
  int8_t qos;
  bool retain;
  bool dup;
  const uint8_t *data; /* good until the callback returns */
  uint16_t length;
};

/*
 * What the client needs of the device; each function is given `user` of mqttsn_init(). The last two
 * may be NULL.
 */
struct mqttsn_port {
  /* Sends one message. False if it could not; it counts as lost on the way then. */
  bool (*send)(void *user, const uint8_t *frame, uint16_t length);
  /*
   * Puts the next message into `frame` and answers its length; 0 if there is none yet. Never waits.
   * `frame` is the same memory each time and nobody else writes to it between two calls, so half a
   * message may wait there for the rest.
   */
  uint16_t (*receive)(void *user, uint8_t *frame, uint16_t capacity);
  /* Milliseconds; starts anywhere and may wrap around. */
  uint32_t (*now)(void *user);
  /* Passes some time, less than the retry interval; mqttsn_finish() calls it again and again. */
  void (*idle)(void *user);
  /*
   * A message from the gateway. MQTTSN_OK takes it; another return code is told to the gateway; with
   * MQTTSN_LATER it is not answered, so that the gateway repeats it. No request may be made in here.
   */
  int (*message)(void *user, const struct mqttsn_message *message);
  /*
   * From now on the gateway uses this topic id for that name, which has no 0 at its end. What is not
   * MQTTSN_OK refuses the name, which ends the subscription (section 6.10). NULL refuses all.
   */
  int (*registered)(void *user, uint16_t topic_id, const char *name, uint16_t length);
  /* A QoS 0 message was refused, mostly with MQTTSN_INVALID_TOPIC_ID. */
  void (*rejected)(void *user, uint16_t topic_id, int result);
};

struct mqttsn_will {
  const char *topic; /* NULL or "" deletes the will that the gateway has */
  const uint8_t *data;
  uint16_t length;
  int8_t qos;
  bool retain;
};

struct mqttsn {
  /* To be set between mqttsn_init() and mqttsn_connect() if these defaults do not suit. */
  const struct mqttsn_will *will; /* NULL: no will dialogue */
  uint32_t retry_interval;        /* T_RETRY in ms: 10 000 */
  uint32_t congestion_wait;       /* T_WAIT in ms: 300 000 */
  uint8_t retry_limit;            /* N_RETRY: 4 */

  /* To be read. */
  enum mqttsn_state state;
  enum mqttsn_request request; /* what is under way */
  int16_t result;              /* of the last request */
  uint16_t topic_id;           /* that the last REGISTER or SUBSCRIBE has brought; 0 for a wildcard */
  uint16_t message_id;         /* of the last request that has one; see mqttsn_publish_again() */
  int8_t granted_qos;          /* by the last SUBSCRIBE */
  uint16_t bad_frames;         /* frames that made no sense */
  uint16_t repeated;           /* requests that were sent again */

  /* The client's own. */
  const struct mqttsn_port *port;
  void *user;
  const char *client_id;
  uint32_t asked_at;
  uint32_t sent_at;
  uint32_t heard_at;
  uint32_t congested_at;
  uint16_t keep_alive;
  uint16_t next_id;
  uint16_t unreleased;
  uint16_t open[MQTTSN_MAX_OPEN];
  uint16_t out_length;
  uint8_t retries;
  bool clean;
  bool congested;
  uint8_t out[MQTTSN_MAX_FRAME];
  uint8_t in[MQTTSN_MAX_FRAME + 2]; /* with the checksum that some framings have */
};

/* `client_id` has 1 to 23 octets; it and `port` must stay where they are. */
void mqttsn_init(struct mqttsn *client, const struct mqttsn_port *port, void *user,
                 const char *client_id);

/* Receives, answers, repeats and keeps alive. Call it often. */
void mqttsn_poll(struct mqttsn *client);

bool mqttsn_is_busy(const struct mqttsn *client);

/* Polls until the request that is under way has ended, and answers its result. */
int mqttsn_finish(struct mqttsn *client);

/*
 * Requests. Each answers MQTTSN_OK if it is on its way, or why it is not; then mqttsn_poll() or
 * mqttsn_finish() brings it to its end.
 */

/*
 * Connects, from sleep too. `clean` forgets subscriptions, will and messages of before: right after
 * a reset of the device, where it does not know them any more (section 6.3). `keep_alive` in seconds;
 * 0 turns supervision off. The device must be heard of within this time: PINGREQ goes by itself.
 */
int mqttsn_connect(struct mqttsn *client, bool clean, uint16_t keep_alive);

/* Asks for the topic id of a name; it is in `topic_id` afterwards. */
int mqttsn_register(struct mqttsn *client, const char *name);

/* By name, possibly with wildcards. `topic_id` is what messages on that name will bear. */
int mqttsn_subscribe(struct mqttsn *client, const char *filter, int8_t qos);
int mqttsn_unsubscribe(struct mqttsn *client, const char *filter);

/* By predefined topic id or short name. */
int mqttsn_subscribe_id(struct mqttsn *client, uint8_t topic_type, uint16_t topic_id, int8_t qos);
int mqttsn_unsubscribe_id(struct mqttsn *client, uint8_t topic_type, uint16_t topic_id);

/*
 * Publishes. QoS 0 and -1 are done at once. QoS -1 needs no connection, and a predefined topic id or
 * short name (section 6.8). After MQTTSN_NO_ANSWER or MQTTSN_GONE at QoS 1 or 2 nobody knows whether
 * the message has arrived.
 */
int mqttsn_publish(struct mqttsn *client, uint8_t topic_type, uint16_t topic_id, const void *data,
                   uint16_t length, int8_t qos, bool retain);

/*
 * The same message again after such an end and mqttsn_connect() with `clean` false, under the
 * message id that it had, `message_id` of then: so that at QoS 2 it comes once.
 */
int mqttsn_publish_again(struct mqttsn *client, uint16_t message_id, uint8_t topic_type,
                         uint16_t topic_id, const void *data, uint16_t length, int8_t qos,
                         bool retain);

/*
 * Announces that the device does not listen from here on. The gateway keeps messages for it, and
 * takes it for lost if nothing is heard for `seconds` (section 6.14). MQTTSN_NO_ANSWER leaves the
 * client disconnected; it may sleep all the same.
 */
int mqttsn_sleep(struct mqttsn *client, uint16_t seconds);

/*
 * Fetches what the gateway has kept; the client is asleep again afterwards. After MQTTSN_NO_ANSWER
 * it is still asleep, and better goes on sleeping; after MQTTSN_GONE it must connect.
 */
int mqttsn_check(struct mqttsn *client);

/* Changes the will that the gateway has; an empty topic deletes it (section 6.4). */
int mqttsn_update_will_topic(struct mqttsn *client, const char *topic, int8_t qos, bool retain);
int mqttsn_update_will_message(struct mqttsn *client, const void *data, uint16_t length);

/* Ends the connection. The gateway does not publish the will. */
int mqttsn_disconnect(struct mqttsn *client);

/* The topic id that stands for a short name of two characters. */
static inline uint16_t mqttsn_short_name(char first, char second)
{
  return (uint16_t)(((uint16_t)(uint8_t)first << 8) | (uint8_t)second);
}

#ifdef __cplusplus
}
#endif

#endif
