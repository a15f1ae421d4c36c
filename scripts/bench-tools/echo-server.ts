/** A bare echo on a UDP port of loopback, which is the argument: the least that node:dgram can cost. */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** As Midge's gateway asks for, bytes. */
const BUFFER_SIZE = 1_048_576;

const port = Number(process.argv[2]);
const socket = createSocket({
  type: "udp4",
  // Addresses are numeric; without this, dgram would ask the resolver for each datagram.
  lookup: (host, _options, callback) => callback(null, host, 4),
});
socket.on("message", (message, from) => socket.send(message, from.port, from.address));
socket.bind(port, "127.0.0.1", () => {
  socket.setRecvBufferSize(BUFFER_SIZE);
  socket.setSendBufferSize(BUFFER_SIZE);
  // The benchmark takes a TCP port that answers for the sign that a server is up.
  createServer((connection) => connection.destroy()).listen(port, "127.0.0.1");
});
