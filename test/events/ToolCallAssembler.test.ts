import type { ToolCall } from '@mistralai/mistralai/models/components/toolcall.js';
import { describe, expect, it } from 'vitest';
import { completeToolCall, ToolCallAssembler } from '../../src/events/ToolCallAssembler.js';

interface RawPiece {
  readonly id?: unknown;
  readonly index?: unknown;
  readonly name?: unknown;
  readonly arguments?: unknown;
}

const piece = ({ name, arguments: args, ...rest }: RawPiece): ToolCall =>
  ({ ...rest, function: { name, arguments: args } }) as unknown as ToolCall;

/** The calls that come of these deltas, each a list of pieces: id, name and arguments. */
function assemble(...deltas: readonly (readonly RawPiece[])[]): [string, string, string][] {
  const assembler = new ToolCallAssembler();
  for (const pieces of deltas) pieces.forEach((raw, position) => assembler.add(piece(raw), position, 'completion'));
  return assembler.calls.map((call) => [call.id, call.name, call.arguments]);
}

describe('ToolCallAssembler', () => {
  it('takes a call that comes whole, without index', () => {
    expect(assemble([{ id: 'a', name: 'f', arguments: '{"x":1}' }])).toEqual([['a', 'f', '{"x":1}']]);
  });

  it('keeps whole calls of one delta apart', () => {
    expect(
      assemble([
        { id: 'a', name: 'f', arguments: '1' },
        { id: 'b', name: 'g', arguments: '2' },
      ]),
    ).toEqual([
      ['a', 'f', '1'],
      ['b', 'g', '2'],
    ]);
  });

  it('begins a call at a new id, whatever its index', () => {
    expect(
      assemble([{ id: 'a', index: 0, name: 'f', arguments: '1' }], [{ id: 'b', index: 0, name: 'g', arguments: '2' }]),
    ).toEqual([
      ['a', 'f', '1'],
      ['b', 'g', '2'],
    ]);
  });

  it.each([
    ['missing', {}],
    ['null', { id: null }],
    ['"null"', { id: 'null' }],
    ['empty', { id: '' }],
  ])('appends to the call at its index where the id is %s', (_, id) => {
    expect(
      assemble(
        [{ id: 'a', index: 0, name: 'f', arguments: '' }],
        [{ ...id, index: 0, name: '', arguments: '{"x"' }],
        [{ ...id, index: 0, name: '', arguments: ':1}' }],
      ),
    ).toEqual([['a', 'f', '{"x":1}']]);
  });

  it('appends where the id is repeated', () => {
    expect(
      assemble([{ id: 'a', index: 0, name: 'f', arguments: '{' }], [{ id: 'a', index: 0, name: 'f', arguments: '}' }]),
    ).toEqual([['a', 'f', '{}']]);
  });

  it('joins the fragments of interleaved calls by index', () => {
    expect(
      assemble(
        [{ id: 'a', index: 0, name: 'f', arguments: '' }],
        [{ id: 'b', index: 1, name: 'g', arguments: '' }],
        [{ index: 1, arguments: '[2' }],
        [{ index: 0, arguments: '[1' }],
        [
          { index: 1, arguments: ',2]' },
          { index: 0, arguments: ',1]' },
        ],
      ),
    ).toEqual([
      ['a', 'f', '[1,1]'],
      ['b', 'g', '[2,2]'],
    ]);
  });

  it('appends to the latest of two calls that began at one index', () => {
    expect(
      assemble(
        [{ id: 'a', index: 0, name: 'f', arguments: '1' }],
        [{ id: 'b', index: 0, name: 'g', arguments: '' }],
        [{ index: 0, arguments: '2' }],
      ),
    ).toEqual([
      ['a', 'f', '1'],
      ['b', 'g', '2'],
    ]);
  });

  it('goes by the place in the list where there is neither id nor index', () => {
    expect(
      assemble(
        [
          { name: 'f', arguments: '1' },
          { name: 'g', arguments: '2' },
        ],
        [{ arguments: '1' }, { arguments: '2' }],
      ).map(([, name, args]) => [name, args]),
    ).toEqual([
      ['f', '11'],
      ['g', '22'],
    ]);
  });

  it('makes ids of nine letters and digits for calls without one, the same each time', () => {
    const make = (completionId: string): string[] => {
      const assembler = new ToolCallAssembler();
      for (let position = 0; position < 200; position++) assembler.add(piece({ name: 'f' }), position, completionId);
      return assembler.calls.map(({ id }) => id);
    };
    const ids = make('cmpl-1');
    expect(ids).toEqual(make('cmpl-1'));
    expect(new Set(ids).size).toBe(200);
    for (const id of [...ids, ...make(''), ...make('漢👩‍👩‍👧🏽')]) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(make('cmpl-2')).not.toEqual(ids);
  });

  it.each([
    ['an object', { x: [1, 'ä'] }, '{"x":[1,"ä"]}'],
    ['a list', [1], '[1]'],
    ['missing', undefined, ''],
    ['null', null, ''],
    ['a number', 1, '1'],
  ])('reads arguments that are %s', (_, args, expected) => {
    expect(assemble([{ id: 'a', name: 'f', arguments: args }])).toEqual([['a', 'f', expected]]);
  });

  it('reads a call whose function is missing or null', () => {
    const assembler = new ToolCallAssembler();
    assembler.add({ id: 'a' } as unknown as ToolCall, 0, 'c');
    assembler.add({ id: 'b', function: null } as unknown as ToolCall, 1, 'c');
    expect(assembler.calls.map(({ id, name }) => [id, name])).toEqual([
      ['a', ''],
      ['b', ''],
    ]);
  });

  it('takes a name that comes in a later fragment', () => {
    expect(assemble([{ id: 'a', index: 0 }], [{ index: 0, name: 'f', arguments: '1' }])).toEqual([['a', 'f', '1']]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('takes %s as an id and as a name', (name) => {
    const calls = assemble(
      [{ id: name, index: 0, name, arguments: '{"__proto__":' }],
      [{ index: 0, arguments: '{"polluted":true}}' }],
    );
    expect(calls).toEqual([[name, name, '{"__proto__":{"polluted":true}}']]);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('tells what each piece added', () => {
    const assembler = new ToolCallAssembler();
    expect(assembler.add(piece({ id: 'a', index: 0, name: 'f', arguments: '{' }), 0, 'c').added).toBe('{');
    const { call, added } = assembler.add(piece({ index: 0, arguments: '}' }), 0, 'c');
    expect([added, call.arguments]).toEqual(['}', '{}']);
  });
});

describe('completeToolCall', () => {
  it('has {} for arguments that never came', () => {
    expect(completeToolCall({ id: 'a', index: 0, name: 'f', arguments: '' })).toEqual({ id: 'a', name: 'f', arguments: '{}' });
    expect(completeToolCall({ id: 'a', index: 0, name: 'f', arguments: '[]' }).arguments).toBe('[]');
  });
});
