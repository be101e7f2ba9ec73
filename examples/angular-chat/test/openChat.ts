import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { HTTPClient } from '@mistralai/mistralai/lib/http.js';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { startSimulator, type Simulator, type SimulatorOptions } from 'rxmistral/simulator';
import { createChatServer } from '../server/createChatServer.js';
import { PausedModel } from './PausedModel.js';
import { TroubledNetwork } from './TroubledNetwork.js';

export const pages = fileURLToPath(new URL('../dist', import.meta.url));
/** What must never reach the browser. */
export const secret = 'synthetic-key-of-the-server';
/** How long is waited for what comes at once on a machine of its own, in ms. */
export const patience = 60_000;

/** The page in a browser, with all that stands behind it. */
export class OpenChat {
  readonly #server: () => Promise<Server>;
  #running: Server;

  constructor(
    readonly page: Page,
    readonly simulator: Simulator,
    readonly model: PausedModel,
    readonly network: TroubledNetwork,
    running: Server,
    server: () => Promise<Server>,
  ) {
    this.#running = running;
    this.#server = server;
  }

  get port(): number {
    return (this.#running.address() as AddressInfo).port;
  }
  get question(): Locator {
    return this.page.getByLabel('Your question');
  }
  /** The answer to the last question. */
  get answer(): Locator {
    return this.page.locator('.messages > li:last-child').getByRole('article', { name: 'Answer' });
  }
  /** Its text alone, without what stands around it. */
  get text(): Locator {
    return this.answer.locator('.text');
  }
  get stop(): Locator {
    return this.page.getByRole('button', { name: 'Stop' });
  }
  get state(): Locator {
    return this.page.locator('.state');
  }

  /** Asks, and resolves when the page shows the question with an answer to come. */
  async ask(question: string): Promise<void> {
    const before = await this.page.locator('.messages > li').count();
    await this.question.fill(question);
    await this.question.press('Enter');
    await this.page.locator('.messages > li').nth(before + 1).waitFor();
  }

  /** Resolves with what the page shows of the answer, as soon as it is so many characters. */
  async shown(length: number): Promise<string> {
    const handle = await this.page.waitForFunction((least) => {
      const text = document.querySelector('.messages > li:last-child .text')?.textContent ?? '';
      return text.length >= least && text;
    }, length);
    return handle.jsonValue() as Promise<string>;
  }

  /** Resolves when the page shows this text of the answer, no more and no less. */
  async shows(text: string): Promise<void> {
    await this.page.waitForFunction((whole) => document.querySelector('.messages > li:last-child .text')?.textContent === whole, text);
  }

  /** Resolves when the answer has come to this end. */
  async ended(status: 'done' | 'stopped' | 'failed'): Promise<void> {
    await this.page.locator(`.messages > li:last-child .answer[data-status="${status}"]`).waitFor();
  }

  /** The server ends with all that it knew, and another takes its place: there is none at which none can be reached. */
  async restartServer(): Promise<void> {
    const before = this.#running;
    this.#running = await this.#server();
    await closeServer(before);
  }

  async close(): Promise<void> {
    await this.page.context().close();
    await this.network.close();
    await closeServer(this.#running);
    await this.simulator.close();
  }
}

/** A chat of its own: simulator, server, network and page. */
export async function openChat(browser: Browser, options: SimulatorOptions = {}, context: BrowserContextOptions = {}): Promise<OpenChat> {
  const simulator = await startSimulator({ apiKey: secret, ...options });
  const model = new PausedModel();
  const client = new MistralCore({ apiKey: secret, serverURL: simulator.url, httpClient: new HTTPClient({ fetcher: model.fetch }) });
  const server = async () => {
    const listening = (await createChatServer({ client, model: 'mistral-small-latest', pages })).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    return listening;
  };
  const running = await server();
  const network: TroubledNetwork = new TroubledNetwork(() => chat.port);
  const url = await network.listen();
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 800 }, ...context })).newPage();
  page.setDefaultTimeout(patience);
  const chat: OpenChat = new OpenChat(page, simulator, model, network, running, server);
  await page.goto(url);
  await chat.question.waitFor();
  return chat;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
