import { isRecord } from '../errors/isRecord.js';
import { AnswerRestarts } from './AnswerRestarts.js';
import type { ChatEvent, TextDeltaEvent, ThinkingDeltaEvent } from './ChatEvent.js';
import { type SegmentUnit, TextSegmenter } from './TextSegmenter.js';

type DeltaEvent = TextDeltaEvent | ThinkingDeltaEvent;

/** Cuts the deltas of an answer anew: one delta a segment, with an index of its own. Anything else keeps its place. */
export class DeltaSegmenter<T> {
  readonly #strings: TextSegmenter;
  readonly #streams: Readonly<Record<DeltaEvent['type'], DeltaStream>>;
  readonly #restarts = new AnswerRestarts();

  constructor(unit: SegmentUnit, locale: string | undefined) {
    this.#strings = new TextSegmenter(unit, locale);
    this.#streams = {
      'text-delta': new DeltaStream(new TextSegmenter(unit, locale)),
      'thinking-delta': new DeltaStream(new TextSegmenter(unit, locale)),
    };
  }

  /** What is to be emitted when `value` comes, in order. */
  take(value: T): T[] {
    if (typeof value === 'string') return this.#strings.push(value) as T[];
    if (!isRecord(value)) return [...this.end(), value];
    const event = value as unknown as ChatEvent;
    switch (event.type) {
      case 'text-delta':
        return [...this.#streams['thinking-delta'].end(), ...this.#streams['text-delta'].take(event)] as T[];
      case 'thinking-delta':
        return [...this.#streams['text-delta'].end(), ...this.#streams['thinking-delta'].take(event)] as T[];
      default: {
        const held = this.end();
        this.#note(event);
        return [...held, value];
      }
    }
  }

  /** What was held back. */
  end(): T[] {
    const events = [...this.#streams['thinking-delta'].end(), ...this.#streams['text-delta'].end()];
    return [...this.#strings.end(), ...events] as T[];
  }

  // Where an answer begins anew, so do the indexes.
  #note(event: ChatEvent): void {
    if (!this.#restarts.isRestart(event) && event.type !== 'complete') return;
    for (const stream of Object.values(this.#streams)) stream.beginAnew();
  }
}

class DeltaStream {
  readonly #segmenter: TextSegmenter;
  #latest: DeltaEvent | undefined;
  #index = 0;

  constructor(segmenter: TextSegmenter) {
    this.#segmenter = segmenter;
  }

  take(event: DeltaEvent): DeltaEvent[] {
    this.#latest = event;
    return this.#deltas(event, this.#segmenter.push(event.text));
  }

  end(): DeltaEvent[] {
    return this.#latest === undefined ? [] : this.#deltas(this.#latest, this.#segmenter.end());
  }

  beginAnew(): void {
    this.#index = 0;
  }

  #deltas(event: DeltaEvent, texts: readonly string[]): DeltaEvent[] {
    return texts.map((text) => {
      const delta = { ...event, index: this.#index, text };
      this.#index += 1;
      return delta;
    });
  }
}
