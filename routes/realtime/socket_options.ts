export interface SocketOptions {
  /** How long a connection may go without saying who it is. */
  connectTimeoutMs: number;
  /** How long a client may be silent; it pings every minute. */
  idleMs: number;
  /** The same of one that pings every three minutes. */
  quietIdleMs: number;
  /** How long a client may take to read on. */
  slowMs: number;
  /** How long a client may take to confirm a message; looked at with every poll. */
  recvackMs: number;
  /** How often everybody's inbox is looked at, whatever the bus says. */
  pollMs: number;
}

export const SOCKET_OPTIONS: SocketOptions = {
  connectTimeoutMs: 5_000,
  idleMs: 180_000,
  quietIdleMs: 360_000,
  slowMs: 10_000,
  recvackMs: 30_000,
  pollMs: 20_000,
};
