import { performance } from 'node:perf_hooks';

import type { Entry } from './conversationEntry.js';
import { expectations } from './expectations.js';
import type { Fields } from './fieldChecks.js';
import type { ConversationOptions } from './options.js';
import { hexDigits, randomFrom } from './random.js';

/** What a conversation is begun with, and keeps. */
export interface ConversationDefinition {
  readonly agent_id?: string | null | undefined;
  readonly agent_version?: string | number | null | undefined;
  readonly model?: string | null | undefined;
  readonly instructions?: string | null | undefined;
  readonly tools?: readonly unknown[] | null | undefined;
  readonly completion_args?: Fields | null | undefined;
  readonly guardrails?: readonly unknown[] | null | undefined;
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: Fields | null | undefined;
}

export interface Conversation {
  readonly id: string;
  readonly definition: ConversationDefinition;
  readonly entries: readonly Entry[];
  /** In ms since 1970: drawn from the seed, since a real clock would make answers differ from run to run. */
  readonly createdAt: number;
  /** How it began. */
  readonly beginning: string;
}

/** What a turn does to a conversation. */
export interface ConversationChange {
  readonly inputs: readonly Entry[];
  readonly outputs: readonly Entry[];
  /** Calls that were decided about, as they are now. */
  readonly decided: readonly Entry[];
}

const mostConversations = 10_000;

/** The conversations that were begun, the latest 10,000 of them, as long as they are known. */
export class ConversationRegistry {
  readonly #seed: number | string;
  readonly #conversations = new Map<string, Conversation>();
  /** When each was used last, on the clock of `performance.now()`. */
  readonly #usedAt = new Map<string, number>();
  /** How many entries each has been given, those that were taken back among them. */
  readonly #given = new Map<string, number>();
  /** How many were begun in the same way, and remembered. */
  readonly #made = new Map<string, number>();
  #options: ConversationOptions = {};

  constructor(options: ConversationOptions | undefined, seed: number | string) {
    this.#seed = seed;
    this.configure(options);
  }

  get options(): ConversationOptions {
    return this.#options;
  }

  configure(options: ConversationOptions = {}): void {
    checkConversationOptions(options);
    this.#options = options;
  }

  /** Oldest first. */
  get all(): readonly Conversation[] {
    return [...this.#conversations.keys()].flatMap((id) => this.get(id) ?? []);
  }

  get(id: string): Conversation | undefined {
    const { expireAfter = Infinity } = this.#options;
    if (performance.now() - (this.#usedAt.get(id) ?? 0) >= expireAfter) this.remove(id);
    return this.#conversations.get(id);
  }

  /** A conversation not yet remembered. Its id depends on how it begins, and on how many have begun so already. */
  prepare(definition: ConversationDefinition, beginning: readonly unknown[]): Conversation {
    const text = JSON.stringify([definition, beginning]);
    const random = randomFrom(this.#seed, 'conversation', text, this.#made.get(text) ?? 0);
    // Some second of the year 2025.
    const createdAt = random.integer(1_735_689_600, 1_767_225_599) * 1000;
    return { id: `conv_${random.text(32, hexDigits)}`, definition, entries: [], createdAt, beginning: text };
  }

  /** Whose turn it is gets numbers for so many entries, which no other turn gets: two can be under way. Returns the first. */
  number({ id, entries }: Conversation, count: number): number {
    const first = this.#given.get(id) ?? entries.length;
    if (this.#conversations.has(id)) this.#given.set(id, first + count);
    return first;
  }

  remember(conversation: Conversation): void {
    const { id, beginning } = conversation;
    this.#made.set(beginning, (this.#made.get(beginning) ?? 0) + 1);
    forgetOldest(this.#made);
    this.#conversations.set(id, conversation);
    this.#usedAt.set(id, performance.now());
    const [oldest] = this.#conversations.keys();
    if (this.#conversations.size > mostConversations && oldest !== undefined) this.remove(oldest);
  }

  /** Adds a turn. What else has been added meanwhile stays. */
  add(id: string, { inputs, outputs, decided }: ConversationChange): void {
    this.#change(id, (entries) => [...replaced(entries, decided), ...inputs, ...outputs]);
    this.#given.set(id, Math.max(this.#given.get(id) ?? 0, this.#conversations.get(id)?.entries.length ?? 0));
    this.#usedAt.set(id, performance.now());
  }

  /** Takes off entries of a turn that was cut, and puts others back as they were. */
  takeBack(id: string, added: readonly Entry[], before: readonly Entry[]): void {
    this.#change(id, (entries) => replaced(entries, before).filter((entry) => !added.some((each) => each.id === entry.id)));
  }

  /** Whether there was one. */
  remove(id: string): boolean {
    this.#usedAt.delete(id);
    this.#given.delete(id);
    return this.#conversations.delete(id);
  }

  #change(id: string, change: (entries: readonly Entry[]) => readonly Entry[]): void {
    const conversation = this.#conversations.get(id);
    if (conversation) this.#conversations.set(id, { ...conversation, entries: change(conversation.entries) });
  }
}

/** Throws a `TypeError` for what cannot be meant. */
export function checkConversationOptions(options: ConversationOptions | undefined): void {
  expectations.object('conversations', options);
  expectations.delay('conversations.expireAfter', options?.expireAfter);
  expectations.oneOf('conversations.cutTurn', options?.cutTurn, ['whole', 'inputs', 'nothing']);
}

function replaced(entries: readonly Entry[], changed: readonly Entry[]): readonly Entry[] {
  return changed.length === 0 ? entries : entries.map((entry) => changed.find(({ id }) => id === entry.id) ?? entry);
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > mostConversations && oldest !== undefined) map.delete(oldest);
}
