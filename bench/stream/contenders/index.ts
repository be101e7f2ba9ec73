/** Every contender: its name is that of its file, which its process alone loads. In the order of the table. */
export const contenders = [
  { name: 'fetch', title: 'raw `fetch` drain' },
  { name: 'parser', title: '`eventsource-parser` + `JSON.parse`' },
  { name: 'sdk', title: '`client.chat.stream` (SDK)' },
  { name: 'naive', title: '`from(client.chat.stream())` + `scan`' },
  { name: 'rxmistral', title: '`chatStream` + `accumulate`' },
] as const;
