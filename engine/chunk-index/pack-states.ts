/** What the column `packs.state` says. Apart from `pack-rows.ts`, which a worker need not load. */
export const STATE_LIVE = 0
export const STATE_CONDEMNED = 1
