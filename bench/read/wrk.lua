-- Asks one query for 1,000 users in turn, or for a new one each time.
-- Arguments: the file of the request's body; the file of tokens, one a line; `turn` or `unique`.
local requests = {}
local turn = 0
local mode, before, after

local function ask(token, body)
  return wrk.format('POST', '/graphql', {
    ['Content-Type'] = 'application/json',
    ['Accept'] = 'application/graphql-response+json',
    ['Authorization'] = 'Bearer ' .. token
  }, body)
end

function init(args)
  local file = assert(io.open(args[1]))
  local body = file:read('*a')
  file:close()
  mode = args[3]
  -- Tokens that no earlier run has used, in a request made once: making it anew would cost the core more than the stub does.
  local sample = ask('TOKEN', body)
  local from, to = string.find(sample, 'TOKEN', 1, true)
  before = string.sub(sample, 1, from - 1) .. string.format('uniq%d', os.time())
  after = string.sub(sample, to + 1)
  for token in io.lines(args[2]) do requests[#requests + 1] = ask(token, body) end
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
