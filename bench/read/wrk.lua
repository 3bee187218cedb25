-- Asks one query for 1,000 users in turn, or for a new one each time.
-- Arguments: the file of a request of the user TOKEN; the file of tokens, one a line; `turn` or `unique`; requests a second, evenly
-- spaced to the millisecond (0: each connection as soon as it has been answered).
local ffi = require('ffi')
ffi.cdef [[
  struct bench_time { long seconds, nanoseconds; };
  int clock_gettime(int clock, struct bench_time *now);
]]
local MONOTONIC = 1
-- What a pause of the server has kept back is sent after it, but not more than this long.
local MOST_LATE_MS = 1000

local requests = {}
local turn = 0
local mode, before, after

function init(args)
  local file = assert(io.open(args[1]))
  local sample = file:read('*a')
  file:close()
  local from, to = string.find(sample, 'TOKEN', 1, true)
  before, after = string.sub(sample, 1, from - 1), string.sub(sample, to + 1)
  mode = args[3]
  -- Tokens that no earlier run has used.
  if mode == 'unique' then before = before .. string.format('uniq%d', os.time()) end
  if mode == 'turn' then
    for token in io.lines(args[2]) do requests[#requests + 1] = before .. token .. after end
  end
  local rate = tonumber(args[4])
  if rate > 0 then pace(1000 / rate) end
end

-- Each connection that is free asks when the next request is due.
function pace(apartMs)
  local now = ffi.new('struct bench_time')
  local due
  function delay()
    ffi.C.clock_gettime(MONOTONIC, now)
    local ms = tonumber(now.seconds) * 1000 + tonumber(now.nanoseconds) / 1e6
    due = math.max((due or ms) + apartMs, ms - MOST_LATE_MS)
    return math.max(0, math.floor(due - ms))
  end
end

function request()
  turn = turn + 1
  if mode == 'unique' then
    return before .. string.format('%034d', turn) .. after
  end
  return requests[(turn - 1) % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"bytes":%d,"failed":%d,"p50Ms":%.4f,"p99Ms":%.4f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
