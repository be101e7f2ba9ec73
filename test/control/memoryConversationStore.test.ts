import { concatMap, delay, of } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { memoryConversationStore } from '../../src/control/memoryConversationStore.js';
import type { ConversationEntry } from '../../src/events/ConversationStore.js';
import { conversationStoreContract } from '../stores/conversationStoreContract.js';

const said = (content: string): ConversationEntry => ({ type: 'message.input', role: 'user', content });

describe('memoryConversationStore', () => {
  conversationStoreContract(() => {
    const store = memoryConversationStore();
    return { first: store, second: store, close: () => undefined };
  });

  it('answers at once, in virtual time', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected);
    });
    scheduler.run(({ expectObservable }) => {
      const store = memoryConversationStore({ now: () => scheduler.now() });
      const turns = of('a', 'b').pipe(
        concatMap((content) => of(content).pipe(delay(10))),
        concatMap((content) => of(store.append('x', [said(content)], store.load('x')?.version ?? 0))),
        concatMap(() => store.list()),
      );
      expectObservable(turns).toBe('10ms a 9ms (b|)', {
        a: { id: 'x', version: 1, updatedAt: 10 },
        b: { id: 'x', version: 2, updatedAt: 20 },
      });
    });
  });

  describe('maxCharacters', () => {
    const length = JSON.stringify(said('1')).length;

    it('is the most that is kept; one more is an error of kind limit that adds nothing', () => {
      const store = memoryConversationStore({ maxCharacters: 2 * length + 1 });
      store.append('a', [said('1')], 0);

      expect(() => store.append('a', [said('2'), said('3')], 1)).toThrow(expect.objectContaining({ kind: 'limit' }));
      expect(store.load('a')?.version).toBe(1);
      expect(store.append('a', [said('2')], 1)).toBe(2);
    });

    it('counts ids, and gives back what is deleted', () => {
      const store = memoryConversationStore({ maxCharacters: 2 * length + 2 });
      store.append('a', [said('1')], 0);
      expect(() => store.append('bb', [said('1')], 0)).toThrow(expect.objectContaining({ kind: 'limit' }));
      expect(store.load('bb')).toBeUndefined();

      store.delete('a');
      expect(store.append('bb', [said('1')], 0)).toBe(1);
    });

    it('may be Infinity', () => {
      expect(memoryConversationStore({ maxCharacters: Infinity }).append('a', [said('1')], 0)).toBe(1);
    });
  });

  it.each([
    [{ maxCharacters: 0 }, 'Expected `maxCharacters` to be an integer >= 1 or Infinity, got 0'],
    [{ now: 5 as never }, 'Expected `now` to be a function, got 5'],
    [5 as never, 'Expected `options` to be an object, got 5'],
  ])('refuses bad options at the call: %j', (options, message) => {
    expect(() => memoryConversationStore(options)).toThrow(new TypeError(message));
  });
});
