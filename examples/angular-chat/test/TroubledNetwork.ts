import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What stands between the browser and the server: it passes bytes on, until it is cut. Then all connections are destroyed, and
 * those that come are refused, until it is mended.
 */
export class TroubledNetwork {
  /** How many connections were passed on. */
  connections = 0;
  /** How many were refused. */
  refusals = 0;
  /** All that the browser was sent. */
  received = '';
  #isCut = false;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  /** @param target The server's port; asked for each connection. */
  constructor(target: () => number) {
    this.#server = createServer((browser) => {
      if (this.#isCut) {
        this.refusals += 1;
        browser.destroy();
        return;
      }
      this.connections += 1;
      const server = connect(target(), '127.0.0.1');
      server.on('data', (bytes: Buffer) => {
        this.received += bytes.toString('latin1');
      });
      for (const [one, other] of [[browser, server], [server, browser]] as const) {
        this.#sockets.add(one);
        one.setNoDelay(true);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
