/*
 * A client of MQTT-SN 1.2 for small devices; see mqttsn.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "mqttsn.h"

#include <stddef.h>
#include <string.h>

/* Section 5.2.2. */
enum {
  CONNECT = 0x04,
  CONNACK = 0x05,
  WILLTOPICREQ = 0x06,
  WILLTOPIC = 0x07,
  WILLMSGREQ = 0x08,
  WILLMSG = 0x09,
  REGISTER = 0x0A,
  REGACK = 0x0B,
  PUBLISH = 0x0C,
  PUBACK = 0x0D,
  PUBCOMP = 0x0E,
  PUBREC = 0x0F,
  PUBREL = 0x10,
  SUBSCRIBE = 0x12,
  SUBACK = 0x13,
  UNSUBSCRIBE = 0x14,
  UNSUBACK = 0x15,
  PINGREQ = 0x16,
  PINGRESP = 0x17,
  DISCONNECT = 0x18,
  WILLTOPICUPD = 0x1A,
  WILLTOPICRESP = 0x1B,
  WILLMSGUPD = 0x1C,
  WILLMSGRESP = 0x1D
};

/* Section 5.3.4. */
enum { DUP = 0x80, QOS_SHIFT = 5, RETAIN = 0x10, WILL = 0x08, CLEAN = 0x04, TOPIC_TYPE = 0x03 };

enum { PROTOCOL_ID = 0x01, LONG_FORM = 0x01 };

/* Frames taken in one poll, so that a gateway that babbles does not keep the program from its own. */
enum { FRAMES_PER_POLL = 8 };

static uint8_t flags_of(int8_t qos, bool retain, uint8_t topic_type)
{
  return (uint8_t)(((uint8_t)qos & 3u) << QOS_SHIFT | (retain ? RETAIN : 0) | topic_type);
}

static uint16_t u16_at(const uint8_t *octets)
{
  return (uint16_t)((uint16_t)octets[0] << 8 | octets[1]);
}

static uint8_t *put_u16(uint8_t *octets, uint16_t value)
{
  octets[0] = (uint8_t)(value >> 8);
  octets[1] = (uint8_t)value;
  return octets + 2;
}

static uint8_t *put(uint8_t *octets, const void *data, uint16_t length)
{
  if (length > 0) memcpy(octets, data, length);
  return octets + length;
}

static uint32_t now_of(const struct mqttsn *client)
{
  return client->port->now(client->user);
}

/* Octets of length and message type, for a message with so many octets behind them. */
static uint8_t header_length(uint16_t body)
{
  return body + 2u > 255u ? 4 : 2;
}

/* The same of a message that is there. */
static uint8_t header_of(const uint8_t *frame)
{
  return frame[0] == LONG_FORM ? 4 : 2;
}

/* Begins a message in the buffer of the request; answers where its body goes, NULL if too long. */
static uint8_t *begin(struct mqttsn *client, uint8_t type, uint16_t body)
{
  uint8_t *out = client->out;
  uint8_t header = header_length(body);
  if (body > MQTTSN_MAX_FRAME || body + (uint16_t)header > MQTTSN_MAX_FRAME) return NULL;
  client->out_length = (uint16_t)(body + header);
  if (header == 4) {
    *out++ = LONG_FORM;
    out = put_u16(out, client->out_length);
  } else {
    *out++ = (uint8_t)client->out_length;
  }
  *out++ = type;
  return out;
}

static void transmit(struct mqttsn *client, const uint8_t *frame, uint16_t length)
{
  client->sent_at = now_of(client);
  client->port->send(client->user, frame, length);
}

/* Sends what is in the buffer of the request, and awaits the answer. */
static int ask(struct mqttsn *client, enum mqttsn_request request)
{
  client->request = request;
  client->retries = 0;
  client->asked_at = now_of(client);
  transmit(client, client->out, client->out_length);
  return MQTTSN_OK;
}

static void finish(struct mqttsn *client, int result)
{
  if (result > MQTTSN_NOT_SUPPORTED) result = MQTTSN_NOT_SUPPORTED;
  if (result == MQTTSN_CONGESTION) {
    client->congested = true;
    client->congested_at = now_of(client);
  }
  client->request = MQTTSN_REQUEST_NONE;
  client->result = (int16_t)result;
}

static bool is_congested(struct mqttsn *client)
{
  if (client->congested && now_of(client) - client->congested_at >= client->congestion_wait) {
    client->congested = false;
  }
  return client->congested;
}

/* Why a request that needs a connection cannot begin now. */
static int objection(struct mqttsn *client)
{
  if (client->request != MQTTSN_REQUEST_NONE) return MQTTSN_BUSY;
  if (client->state != MQTTSN_ACTIVE) return MQTTSN_NOT_CONNECTED;
  return MQTTSN_OK;
}

static uint16_t fresh_id(struct mqttsn *client)
{
  client->message_id = client->next_id;
  client->next_id = client->next_id == 0xFFFF ? 1 : (uint16_t)(client->next_id + 1);
  return client->message_id;
}

/* The length of a text, or more than any message has. */
static uint16_t text_length(const char *text)
{
  uint16_t length = 0;
  while (length <= MQTTSN_MAX_FRAME && text[length] != '\0') length++;
  return length;
}

void mqttsn_init(struct mqttsn *client, const struct mqttsn_port *port, void *user,
                 const char *client_id)
{
  memset(client, 0, sizeof *client);
  client->port = port;
  client->user = user;
  client->client_id = client_id;
  client->next_id = 1;
  client->retry_interval = 10000;
  client->retry_limit = 4;
  client->congestion_wait = 300000;
}

/* ------------------------------------------------------------------ requests */

static bool put_connect(struct mqttsn *client)
{
  uint16_t length = text_length(client->client_id);
  uint8_t *out = begin(client, CONNECT, (uint16_t)(4 + length));
  if (out == NULL) return false;
  *out++ = (uint8_t)((client->will != NULL ? WILL : 0) | (client->clean ? CLEAN : 0));
  *out++ = PROTOCOL_ID;
  out = put_u16(out, client->keep_alive);
  put(out, client->client_id, length);
  return true;
}

int mqttsn_connect(struct mqttsn *client, bool clean, uint16_t keep_alive)
{
  if (client->request != MQTTSN_REQUEST_NONE) return MQTTSN_BUSY;
  if (is_congested(client)) return MQTTSN_LATER;
  client->clean = clean;
  client->keep_alive = keep_alive;
  if (!put_connect(client)) return MQTTSN_TOO_LONG;
  return ask(client, MQTTSN_REQUEST_CONNECT);
}

int mqttsn_register(struct mqttsn *client, const char *name)
{
  int problem = objection(client);
  if (problem != MQTTSN_OK) return problem;
  if (is_congested(client)) return MQTTSN_LATER;
  uint16_t length = text_length(name);
  uint8_t *out = begin(client, REGISTER, (uint16_t)(4 + length));
  if (out == NULL) return MQTTSN_TOO_LONG;
  out = put_u16(out, 0);
  out = put_u16(out, fresh_id(client));
  put(out, name, length);
  return ask(client, MQTTSN_REQUEST_REGISTER);
}

/* SUBSCRIBE and UNSUBSCRIBE differ by their type alone. */
static int change_subscription(struct mqttsn *client, uint8_t type, uint8_t flags,
                               const void *topic, uint16_t length)
{
  int problem = objection(client);
  if (problem != MQTTSN_OK) return problem;
  if (is_congested(client)) return MQTTSN_LATER;
  uint8_t *out = begin(client, type, (uint16_t)(3 + length));
  if (out == NULL) return MQTTSN_TOO_LONG;
  *out++ = flags;
  out = put_u16(out, fresh_id(client));
  put(out, topic, length);
  return ask(client, type == SUBSCRIBE ? MQTTSN_REQUEST_SUBSCRIBE : MQTTSN_REQUEST_UNSUBSCRIBE);
}

int mqttsn_subscribe(struct mqttsn *client, const char *filter, int8_t qos)
{
  uint8_t flags = flags_of(qos, false, MQTTSN_NORMAL);
  return change_subscription(client, SUBSCRIBE, flags, filter, text_length(filter));
}

int mqttsn_unsubscribe(struct mqttsn *client, const char *filter)
{
  uint8_t flags = flags_of(0, false, MQTTSN_NORMAL);
  return change_subscription(client, UNSUBSCRIBE, flags, filter, text_length(filter));
}

int mqttsn_subscribe_id(struct mqttsn *client, uint8_t topic_type, uint16_t topic_id, int8_t qos)
{
  uint8_t topic[2];
  put_u16(topic, topic_id);
  return change_subscription(client, SUBSCRIBE, flags_of(qos, false, topic_type), topic, 2);
}

int mqttsn_unsubscribe_id(struct mqttsn *client, uint8_t topic_type, uint16_t topic_id)
{
  uint8_t topic[2];
  put_u16(topic, topic_id);
  return change_subscription(client, UNSUBSCRIBE, flags_of(0, false, topic_type), topic, 2);
}

static int publish(struct mqttsn *client, uint16_t message_id, uint8_t flags, uint16_t topic_id,
                   const void *data, uint16_t length)
{
  if (length > MQTTSN_MAX_FRAME) return MQTTSN_TOO_LONG;
  uint8_t *out = begin(client, PUBLISH, (uint16_t)(5 + length));
  if (out == NULL) return MQTTSN_TOO_LONG;
  *out++ = flags;
  out = put_u16(out, topic_id);
  out = put_u16(out, message_id);
  put(out, data, length);
  if (message_id != 0) return ask(client, MQTTSN_REQUEST_PUBLISH);
  transmit(client, client->out, client->out_length);
  client->result = MQTTSN_OK;
  return MQTTSN_OK;
}

int mqttsn_publish(struct mqttsn *client, uint8_t topic_type, uint16_t topic_id, const void *data,
                   uint16_t length, int8_t qos, bool retain)
{
  if (qos < 0) {
    if (client->request != MQTTSN_REQUEST_NONE) return MQTTSN_BUSY;
    if (topic_type == MQTTSN_NORMAL) return MQTTSN_NOT_SUPPORTED;
  } else {
    int problem = objection(client);
    if (problem != MQTTSN_OK) return problem;
  }
  if (is_congested(client)) return MQTTSN_LATER;
  uint16_t message_id = qos > 0 ? fresh_id(client) : 0;
  /* A new message at QoS 2: the half that was open is given up. */
  if (qos == 2) client->unreleased = 0;
  return publish(client, message_id, flags_of(qos, retain, topic_type), topic_id, data, length);
}

static int send_release(struct mqttsn *client, uint16_t message_id)
{
  put_u16(begin(client, PUBREL, 2), message_id);
  client->unreleased = message_id;
  return ask(client, MQTTSN_REQUEST_RELEASE);
}

int mqttsn_publish_again(struct mqttsn *client, uint16_t message_id, uint8_t topic_type,
                         uint16_t topic_id, const void *data, uint16_t length, int8_t qos,
                         bool retain)
{
  int problem = objection(client);
  if (problem != MQTTSN_OK) return problem;
  if (is_congested(client)) return MQTTSN_LATER;
  if (qos <= 0 || message_id == 0) return MQTTSN_NOT_SUPPORTED;
  client->message_id = message_id;
  if (qos == 2 && client->unreleased == message_id) return send_release(client, message_id);
  uint8_t flags = (uint8_t)(flags_of(qos, retain, topic_type) | DUP);
  return publish(client, message_id, flags, topic_id, data, length);
}

int mqttsn_sleep(struct mqttsn *client, uint16_t seconds)
{
  if (client->request != MQTTSN_REQUEST_NONE) return MQTTSN_BUSY;
  if (client->state == MQTTSN_DISCONNECTED) return MQTTSN_NOT_CONNECTED;
  put_u16(begin(client, DISCONNECT, 2), seconds);
  return ask(client, MQTTSN_REQUEST_SLEEP);
}

int mqttsn_check(struct mqttsn *client)
{
  if (client->request != MQTTSN_REQUEST_NONE) return MQTTSN_BUSY;
  if (client->state != MQTTSN_ASLEEP) return MQTTSN_NOT_CONNECTED;
  uint16_t length = text_length(client->client_id);
  uint8_t *out = begin(client, PINGREQ, length);
  if (out == NULL) return MQTTSN_TOO_LONG;
  put(out, client->client_id, length);
  return ask(client, MQTTSN_REQUEST_CHECK);
}

/* WILLTOPIC or WILLTOPICUPD; without a topic both consist of their header alone. */
static bool put_will_topic(struct mqttsn *client, uint8_t type, const char *topic, int8_t qos,
                           bool retain)
{
  uint16_t length = topic == NULL ? 0 : text_length(topic);
  uint8_t *out = begin(client, type, (uint16_t)(length == 0 ? 0 : 1 + length));
  if (out == NULL) return false;
  if (length == 0) return true;
  *out++ = flags_of(qos, retain, 0);
  put(out, topic, length);
  return true;
}

static bool put_will_message(struct mqttsn *client, uint8_t type, const void *data, uint16_t length)
{
  uint8_t *out = begin(client, type, length);
  if (out == NULL) return false;
  put(out, data, length);
  return true;
}

int mqttsn_update_will_topic(struct mqttsn *client, const char *topic, int8_t qos, bool retain)
{
  int problem = objection(client);
  if (problem != MQTTSN_OK) return problem;
  if (!put_will_topic(client, WILLTOPICUPD, topic, qos, retain)) return MQTTSN_TOO_LONG;
  return ask(client, MQTTSN_REQUEST_WILL_TOPIC);
}

int mqttsn_update_will_message(struct mqttsn *client, const void *data, uint16_t length)
{
  int problem = objection(client);
  if (problem != MQTTSN_OK) return problem;
  if (!put_will_message(client, WILLMSGUPD, data, length)) return MQTTSN_TOO_LONG;
  return ask(client, MQTTSN_REQUEST_WILL_MESSAGE);
}

int mqttsn_disconnect(struct mqttsn *client)
{
  if (client->request != MQTTSN_REQUEST_NONE) return MQTTSN_BUSY;
  if (client->state == MQTTSN_DISCONNECTED) return MQTTSN_NOT_CONNECTED;
  begin(client, DISCONNECT, 0);
  return ask(client, MQTTSN_REQUEST_DISCONNECT);
}

/* ------------------------------------------------------------------ what the gateway sends */

/* Answers leave without the buffer of the request, which may have to be repeated. */
static void answer_id(struct mqttsn *client, uint8_t type, uint16_t message_id)
{
  uint8_t frame[4] = {4, type, (uint8_t)(message_id >> 8), (uint8_t)message_id};
  transmit(client, frame, sizeof frame);
}

static void answer_topic(struct mqttsn *client, uint8_t type, uint16_t topic_id,
                         uint16_t message_id, int code)
{
  uint8_t frame[7] = {7, type};
  put_u16(frame + 2, topic_id);
  put_u16(frame + 4, message_id);
  frame[6] = (uint8_t)code;
  transmit(client, frame, sizeof frame);
}

static bool is_open(const struct mqttsn *client, uint16_t message_id)
{
  for (uint8_t i = 0; i < MQTTSN_MAX_OPEN; i++) {
    if (client->open[i] == message_id) return true;
  }
  return false;
}

/* The oldest goes where there is no room: a gateway that forgot one must not end all others. */
static void open_exchange(struct mqttsn *client, uint16_t message_id)
{
  for (uint8_t i = MQTTSN_MAX_OPEN - 1; i > 0; i--) client->open[i] = client->open[i - 1];
  client->open[0] = message_id;
}

static void close_exchange(struct mqttsn *client, uint16_t message_id)
{
  uint8_t kept = 0;
  for (uint8_t i = 0; i < MQTTSN_MAX_OPEN; i++) {
    if (client->open[i] != message_id) client->open[kept++] = client->open[i];
  }
  while (kept < MQTTSN_MAX_OPEN) client->open[kept++] = 0;
}

static void on_publish(struct mqttsn *client, const uint8_t *body, uint16_t length)
{
  uint16_t message_id = u16_at(body + 3);
  struct mqttsn_message message;
  message.topic_id = u16_at(body + 1);
  message.topic_type = body[0] & TOPIC_TYPE;
  message.qos = (int8_t)(body[0] >> QOS_SHIFT & 3);
  message.retain = (body[0] & RETAIN) != 0;
  message.dup = (body[0] & DUP) != 0;
  message.data = body + 5;
  message.length = (uint16_t)(length - 5);
  if (message.qos == 3 || message.topic_type == 3 || (message.qos > 0 && message_id == 0)) {
    client->bad_frames++;
    return;
  }
  if (message.qos == 2 && is_open(client, message_id)) {
    answer_id(client, PUBREC, message_id);
    return;
  }
  int verdict = client->port->message(client->user, &message);
  if (verdict < 0) return;
  if (message.qos == 2 && verdict == MQTTSN_OK) {
    open_exchange(client, message_id);
    answer_id(client, PUBREC, message_id);
  } else if (message.qos > 0 || verdict == MQTTSN_INVALID_TOPIC_ID) {
    /* Section 6.10: an unknown topic id is told at QoS 0, too. */
    answer_topic(client, PUBACK, message.topic_id, message_id, verdict);
  }
}

static void on_register(struct mqttsn *client, const uint8_t *body, uint16_t length)
{
  int verdict = MQTTSN_NOT_SUPPORTED;
  if (client->port->registered != NULL) {
    verdict = client->port->registered(client->user, u16_at(body), (const char *)(body + 4),
                                       (uint16_t)(length - 4));
  }
  if (verdict < 0) return;
  answer_topic(client, REGACK, u16_at(body), u16_at(body + 2), verdict);
}

/* Whether this request is under way, with this message id in the answer. */
static bool is_answer(const struct mqttsn *client, enum mqttsn_request request, const uint8_t *id)
{
  return client->request == request && client->message_id == u16_at(id);
}

static void on_puback(struct mqttsn *client, const uint8_t *body)
{
  int code = body[4];
  if (is_answer(client, MQTTSN_REQUEST_PUBLISH, body + 2)) {
    /* QoS 2 is accepted by PUBREC alone. */
    uint8_t qos = client->out[header_of(client->out)] >> QOS_SHIFT & 3;
    if (code != MQTTSN_OK || qos == 1) finish(client, code);
  } else if (code != MQTTSN_OK && u16_at(body + 2) == 0) {
    if (code == MQTTSN_CONGESTION) {
      client->congested = true;
      client->congested_at = now_of(client);
    }
    if (client->port->rejected != NULL) client->port->rejected(client->user, u16_at(body), code);
  }
}

static void on_pubrec(struct mqttsn *client, const uint8_t *body)
{
  if (is_answer(client, MQTTSN_REQUEST_PUBLISH, body)) {
    send_release(client, client->message_id);
  } else {
    /* Repeated, or of an exchange that was given up here: it must end at the gateway, too. */
    answer_id(client, PUBREL, u16_at(body));
  }
}

/* WILLTOPICREQ and WILLMSGREQ: the dialogue goes on from whatever the gateway asks. */
static void on_will_request(struct mqttsn *client, uint8_t type)
{
  const struct mqttsn_will *will = client->will;
  if (client->request != MQTTSN_REQUEST_CONNECT || will == NULL) return;
  bool fits = type == WILLTOPICREQ
                  ? put_will_topic(client, WILLTOPIC, will->topic, will->qos, will->retain)
                  : put_will_message(client, WILLMSG, will->data, will->length);
  if (fits) ask(client, MQTTSN_REQUEST_CONNECT);
  else finish(client, MQTTSN_TOO_LONG);
}

static void on_connack(struct mqttsn *client, uint8_t code)
{
  if (client->request != MQTTSN_REQUEST_CONNECT) return;
  if (code == MQTTSN_OK) {
    client->state = MQTTSN_ACTIVE;
    client->congested = false;
    if (client->clean) {
      memset(client->open, 0, sizeof client->open);
      client->unreleased = 0;
    }
  } else {
    client->state = MQTTSN_DISCONNECTED;
  }
  finish(client, code);
}

static void on_disconnect(struct mqttsn *client)
{
  switch (client->request) {
    case MQTTSN_REQUEST_SLEEP:
      client->state = MQTTSN_ASLEEP;
      finish(client, MQTTSN_OK);
      return;
    case MQTTSN_REQUEST_DISCONNECT:
      client->state = MQTTSN_DISCONNECTED;
      finish(client, MQTTSN_OK);
      return;
    case MQTTSN_REQUEST_CONNECT:
      /* Of what was sent before; or the will dialogue is over, and begins anew when repeated. */
      put_connect(client);
      return;
    case MQTTSN_REQUEST_NONE:
      /* Asleep, it is the answer to a request to sleep that was repeated. */
      if (client->state == MQTTSN_ACTIVE) client->state = MQTTSN_DISCONNECTED;
      return;
    default:
      client->state = MQTTSN_DISCONNECTED;
      finish(client, MQTTSN_GONE);
  }
}

/* Least octets of a body, and whether it may have more; what is not here is not for clients. */
static bool is_well_formed(uint8_t type, uint16_t length)
{
  switch (type) {
    case CONNACK:
    case WILLTOPICRESP:
    case WILLMSGRESP:
      return length == 1;
    case WILLTOPICREQ:
    case WILLMSGREQ:
    case PINGRESP:
      return length == 0;
    case REGISTER:
    case PUBLISH:
      return length >= 5;
    case REGACK:
    case PUBACK:
      return length == 5;
    case PUBREC:
    case PUBREL:
    case PUBCOMP:
    case UNSUBACK:
      return length == 2;
    case SUBACK:
      return length == 6;
    case DISCONNECT:
      return length == 0 || length == 2;
    case PINGREQ:
      return true;
    default:
      return false;
  }
}

/* Discovery is between the transport and the gateways; it is no mistake to receive some of it. */
static bool is_discovery(uint8_t type)
{
  return type <= 0x02;
}

static void on_subscription_answer(struct mqttsn *client, uint8_t type, const uint8_t *body)
{
  if (type == UNSUBACK) {
    if (is_answer(client, MQTTSN_REQUEST_UNSUBSCRIBE, body)) finish(client, MQTTSN_OK);
  } else if (type == SUBACK) {
    if (!is_answer(client, MQTTSN_REQUEST_SUBSCRIBE, body + 3)) return;
    client->granted_qos = (int8_t)(body[0] >> QOS_SHIFT & 3);
    client->topic_id = u16_at(body + 1);
    finish(client, body[5]);
  } else if (is_answer(client, MQTTSN_REQUEST_REGISTER, body + 2)) {
    client->topic_id = u16_at(body);
    finish(client, body[4]);
  }
}

/* What only a client with a session takes from the gateway. */
static void on_session_message(struct mqttsn *client, uint8_t type, const uint8_t *body,
                               uint16_t length)
{
  if (client->state == MQTTSN_DISCONNECTED) return;
  switch (type) {
    case REGISTER:
      on_register(client, body, length);
      break;
    case PUBLISH:
      on_publish(client, body, length);
      break;
    case PUBREL:
      close_exchange(client, u16_at(body));
      answer_id(client, PUBCOMP, u16_at(body));
      break;
    case PUBREC:
      on_pubrec(client, body);
      break;
    default: {
      static const uint8_t pingresp[2] = {2, PINGRESP};
      transmit(client, pingresp, sizeof pingresp);
    }
  }
}

static void dispatch(struct mqttsn *client, uint8_t type, const uint8_t *body, uint16_t length)
{
  switch (type) {
    case CONNACK:
      on_connack(client, body[0]);
      break;
    case WILLTOPICREQ:
    case WILLMSGREQ:
      on_will_request(client, type);
      break;
    case REGACK:
    case SUBACK:
    case UNSUBACK:
      on_subscription_answer(client, type, body);
      break;
    case PUBACK:
      on_puback(client, body);
      break;
    case PUBCOMP:
      if (!is_answer(client, MQTTSN_REQUEST_RELEASE, body)) break;
      client->unreleased = 0;
      finish(client, MQTTSN_OK);
      break;
    case PINGRESP:
      if (client->request == MQTTSN_REQUEST_PING || client->request == MQTTSN_REQUEST_CHECK) {
        finish(client, MQTTSN_OK);
      }
      break;
    case WILLTOPICRESP:
      if (client->request == MQTTSN_REQUEST_WILL_TOPIC) finish(client, body[0]);
      break;
    case WILLMSGRESP:
      if (client->request == MQTTSN_REQUEST_WILL_MESSAGE) finish(client, body[0]);
      break;
    case DISCONNECT:
      on_disconnect(client);
      break;
    default:
      on_session_message(client, type, body, length);
  }
}

static void take(struct mqttsn *client, uint16_t length)
{
  const uint8_t *in = client->in;
  uint8_t header = header_of(in);
  uint16_t declared = in[0] == LONG_FORM && length >= 4 ? u16_at(in + 1) : in[0];
  if (length < header || declared != length) {
    client->bad_frames++;
    return;
  }
  uint8_t type = in[header - 1];
  uint16_t body = (uint16_t)(length - header);
  if (!is_well_formed(type, body)) {
    if (!is_discovery(type)) client->bad_frames++;
    return;
  }
  client->heard_at = now_of(client);
  /* Section 6.14: as long as messages come, PINGREQ need not be repeated. */
  if (client->request == MQTTSN_REQUEST_CHECK) client->asked_at = client->heard_at;
  dispatch(client, type, in + header, body);
}

/* ------------------------------------------------------------------ time */

static void give_up(struct mqttsn *client)
{
  if (client->request != MQTTSN_REQUEST_CHECK) client->state = MQTTSN_DISCONNECTED;
  finish(client, MQTTSN_NO_ANSWER);
}

static void repeat(struct mqttsn *client, uint32_t now)
{
  if (now - client->asked_at < client->retry_interval) return;
  if (client->retries >= client->retry_limit) {
    give_up(client);
    return;
  }
  client->retries++;
  client->repeated++;
  client->asked_at = now;
  if (client->request == MQTTSN_REQUEST_PUBLISH || client->request == MQTTSN_REQUEST_SUBSCRIBE) {
    client->out[header_of(client->out)] |= DUP;
  }
  transmit(client, client->out, client->out_length);
}

/*
 * The gateway must hear of the client within the keep alive time, and the client must notice when
 * the gateway is gone, though all that it publishes be of QoS 0.
 */
static void keep_alive(struct mqttsn *client, uint32_t now)
{
  if (client->state != MQTTSN_ACTIVE || client->keep_alive == 0) return;
  uint32_t period = (uint32_t)client->keep_alive * 750u;
  if (now - client->sent_at < period && now - client->heard_at < period) return;
  begin(client, PINGREQ, 0);
  ask(client, MQTTSN_REQUEST_PING);
}

void mqttsn_poll(struct mqttsn *client)
{
  for (uint8_t i = 0; i < FRAMES_PER_POLL; i++) {
    uint16_t length = client->port->receive(client->user, client->in, sizeof client->in);
    if (length == 0) break;
    take(client, length);
  }
  uint32_t now = now_of(client);
  if (client->request != MQTTSN_REQUEST_NONE) repeat(client, now);
  else keep_alive(client, now);
}

bool mqttsn_is_busy(const struct mqttsn *client)
{
  return client->request != MQTTSN_REQUEST_NONE;
}

int mqttsn_finish(struct mqttsn *client)
{
  while (mqttsn_is_busy(client)) {
    mqttsn_poll(client);
    if (mqttsn_is_busy(client) && client->port->idle != NULL) client->port->idle(client->user);
  }
  return client->result;
}
