/** Quality of Service [MQTT-4.3]. */
export type QoS = 0 | 1 | 2;
