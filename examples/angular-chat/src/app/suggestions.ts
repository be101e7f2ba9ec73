/** What the empty page offers. */
export const suggestions = [
  { title: 'Explain', question: 'Explain backpressure to a plumber.' },
  { title: 'Think', question: 'A bat and a ball cost 1.10 together. The bat costs 1.00 more than the ball. What does the ball cost?' },
  { title: 'Look up', question: 'What is the weather in Oslo?' },
  { title: 'Write code', question: 'Write a debounce function in TypeScript.' },
] as const;
