import { inject, PLATFORM_ID } from '@angular/core';

/** Whether the page is being rendered on a server: `isPlatformServer` without `@angular/common`. Wants an injection context. */
export function isServer(): boolean {
  const platform: unknown = inject(PLATFORM_ID, { optional: true });
  return platform === 'server';
}
