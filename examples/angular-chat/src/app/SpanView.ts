import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import type { Span } from './parseMarkdown';

/** The pieces of a line. */
@Component({
  selector: 'chat-spans',
  changeDetection: ChangeDetectionStrategy.OnPush,
  // In one line: what stands between two pieces would be a space on the page.
  template: `@for (span of spans(); track $index) {@switch (span.kind) {@case ('strong') {<strong>{{ span.text }}</strong>}@case ('emphasis') {<em>{{ span.text }}</em>}@case ('code') {<code>{{ span.text }}</code>}@default {{{ span.text }}}}}`,
})
export class SpanView {
  readonly spans = input.required<readonly Span[]>();
}
