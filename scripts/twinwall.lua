-- SPDX-License-Identifier: BSD-3-Clause
-- Wireshark dissector of the HA messages between two Twinwall boxes: link probes, VGMP and HRP
-- hellos, HRP data with its records, the trailer.  docs/wire.md describes them.
--
--	tshark -X lua_script:scripts/twinwall.lua -r FILE -Y twinwall
--	wireshark -X lua_script:scripts/twinwall.lua FILE
--
-- Multicast messages are IP protocol 112, which they share with VRRP: what is not ours goes on to
-- Wireshark's own dissector.  In UDP: port 18514.

local twinwall = Proto("twinwall", "Twinwall HA")

local HEAD, TRAILER, VGMP, HRP_HEADER, STREAM_HEAD, RECORD, CONFIG = 8, 48, 16, 24, 8, 8, 28
local VERSION_TYPE, UDP_PORT, VRRP = 0x22, 18514, 112

local type2_names = { [1] = "link probe", [2] = "VGMP", [5] = "consistency check" }
local vtype_names = { [1] = "VGMP hello", [2] = "HRP hello", [3] = "HRP data" }
local mode_names = { [0] = "announcement", [1] = "request", [2] = "reply" }
local group_names = { [1] = "active group", [2] = "standby group" }
local state_names = { [0] = "Initialize", [1] = "Active", [2] = "Standby", [3] = "ActiveToStandby",
	[4] = "StandbyToActive" }
local vgmp_op_names = { [0] = "hello", [1] = "let me be Standby", [2] = "let me be Active" }
local result_names = { [0] = "none", [1] = "switch", [2] = "do not switch" }
local module_names = { [1] = "CONFIG", [2] = "SESSION", [3] = "SERVERMAP", [4] = "IPMON",
	[5] = "FRAGMENT", [6] = "GTP", [7] = "BLACKLIST", [8] = "PAT", [9] = "NOPAT", [10] = "ASPF" }
local op_names = { [1] = "ADD", [2] = "DELETE", [3] = "COMMAND", [4] = "BULK BEGIN",
	[5] = "BULK END", [6] = "ACK", [7] = "NACK", [8] = "RESULT",
	[9] = "CHECK", [10] = "PART BEGIN", [11] = "PART END", [12] = "CHECKED" }
local config_names = { [1] = "STATE", [2] = "CHUNK", [3] = "ACK", [4] = "RESULT" }
local config_results = { [0] = "none", [1] = "applied", [2] = "refused" }
local config_roles = { [0] = "none", [1] = "master", [2] = "standby" }
local nack_names = { [1] = "RESYNC", [2] = "UNKNOWN" }
local record_names = { [1] = "SESSION4", [2] = "DELETE", [3] = "SESSION6", [4] = "SESSION4_NAT",
	[5] = "SESSION6_NAT", [6] = "ALG", [7] = "ALG_EDIT", [8] = "SERVERMAP", [9] = "BLACKLIST" }
local algorithm_names = { [0] = "none", [1] = "HMAC-SHA-256", [2] = "AES-256-GCM" }
local alg_names = { [0] = "none", [1] = "FTP", [2] = "TFTP", [3] = "SIP", [4] = "RTSP",
	[5] = "PPTP" }
local kind_names = { [0] = "ASPF", [1] = "full cone" }
local side_names = { [0] = "source", [1] = "destination" }
local origin_names = { [2] = "command", [3] = "scan" }
local half_names = { [0] = "all", [1] = "primary", [2] = "secondary" }

local f = {}

-- add: a field twinwall.NAME.
local function add(name, make, text, ...)
	f[name] = make("twinwall." .. name, text, ...)
end

add("type2", ProtoField.uint8, "Type2", base.DEC, type2_names)
add("auth", ProtoField.uint8, "Authentication type")
add("interval", ProtoField.uint8, "Interval, s")
add("checksum", ProtoField.uint16, "Checksum", base.HEX)
add("checksum_good", ProtoField.bool, "Checksum is right")

add("probe.flags", ProtoField.uint8, "Flags", base.HEX)
add("probe.heard", ProtoField.bool, "Heard", 8, nil, 0x01)
add("probe.udp", ProtoField.bool, "UDP", 8, nil, 0x02)
add("probe.answer", ProtoField.bool, "Answer", 8, nil, 0x04)
add("probe.slot", ProtoField.uint8, "Slot")
add("probe.hello_ms", ProtoField.uint16, "Hello interval, ms")
add("probe.address", ProtoField.ipv4, "Sender's address")
add("probe.sequence", ProtoField.uint32, "Sequence")
add("probe.echo", ProtoField.uint32, "Echo")
add("probe.clock_ms", ProtoField.uint32, "Clock, ms")
add("probe.name_crc", ProtoField.uint32, "CRC of the interface's name", base.HEX)

add("vtype", ProtoField.uint8, "vType", base.DEC, vtype_names)
add("mode", ProtoField.uint8, "Mode", base.DEC, mode_names)
add("group", ProtoField.uint8, "Group", base.DEC, group_names)
add("state", ProtoField.uint8, "State", base.DEC, state_names)
add("priority", ProtoField.uint32, "Priority")
add("request_id", ProtoField.uint16, "Request id")
add("patience_ms", ProtoField.uint32, "Hello interval x misses, ms")
add("mark", ProtoField.uint16, "Mark of the VRRP groups", base.HEX)
add("vgmp_op", ProtoField.uint8, "Op", base.DEC, vgmp_op_names)
add("result", ProtoField.uint8, "Result", base.DEC, result_names)
add("members", ProtoField.uint16, "Members")
add("failed", ProtoField.uint16, "Failed")

add("hello.epoch", ProtoField.uint32, "Role epoch")
add("hello.config_role", ProtoField.uint8, "Config role")
add("hello.flags", ProtoField.uint8, "Flags", base.HEX)
add("hello.hello_ms", ProtoField.uint16, "Hello interval, ms")
add("hello.sessions", ProtoField.uint32, "Sessions")
add("hello.config_generation", ProtoField.uint32, "Configuration generation")
add("hello.config_digest", ProtoField.bytes, "Configuration digest")

add("module", ProtoField.uint16, "Module", base.DEC, module_names)
add("source_module", ProtoField.uint16, "Source module", base.DEC, module_names)
add("sub_module", ProtoField.uint16, "Sub module")
add("op", ProtoField.uint8, "Op", base.DEC, op_names)
add("flags", ProtoField.uint8, "Flags", base.HEX)
add("records", ProtoField.uint16, "Records")
add("sequence", ProtoField.uint32, "Sequence")
add("fragment", ProtoField.uint16, "Fragment")
add("fragments", ProtoField.uint16, "Fragments")
add("length", ProtoField.uint32, "Length of the body")
add("stream", ProtoField.uint32, "Stream", base.HEX)
add("first", ProtoField.uint32, "First")
add("round", ProtoField.uint32, "Round")
add("capacity", ProtoField.uint32, "Capacity")
add("count", ProtoField.uint32, "Count")
add("tables", ProtoField.uint16, "Tables", base.HEX)
add("half", ProtoField.uint16, "Half of the NAT ports", base.DEC, half_names, 0x3000)
add("parts", ProtoField.bool, "Answers CHECK", 16, nil, 0x8000)
add("all_parts", ProtoField.bool, "Answers CHECK of all tables", 16, nil, 0x4000)
add("digest", ProtoField.uint64, "Digest", base.HEX)
add("first_place", ProtoField.uint32, "First place")
add("places", ProtoField.uint32, "Places")
add("number", ProtoField.uint32, "Number of the question")
add("content", ProtoField.uint64, "Content", base.HEX)
add("bitmap", ProtoField.bytes, "Arrived")
add("reason", ProtoField.uint8, "Reason", base.DEC, nack_names)
add("longest", ProtoField.uint32, "Longest message, bytes")

add("config.kind", ProtoField.uint8, "Kind", base.DEC, config_names)
add("config.role", ProtoField.uint8, "Config role", base.DEC, config_roles)
add("config.flags", ProtoField.uint8, "Flags", base.HEX)
add("config.result", ProtoField.uint8, "Result", base.DEC, config_results)
add("config.transfer", ProtoField.uint32, "Transfer", base.HEX)
add("config.generation", ProtoField.uint32, "Generation")
add("config.digest", ProtoField.bytes, "Digest")
add("config.size", ProtoField.uint32, "Size of the document")
add("config.offset", ProtoField.uint32, "Offset")
add("config.text", ProtoField.string, "Text")

add("record", ProtoField.uint8, "Record", base.DEC, record_names)
add("record.length", ProtoField.uint8, "Length")
add("record.generation", ProtoField.uint16, "Generation")
add("record.index", ProtoField.uint32, "Index")
add("record.unknown", ProtoField.bytes, "Of a later version")
add("session.protocol", ProtoField.uint8, "Protocol")
add("session.state", ProtoField.uint8, "State")
add("session.flags", ProtoField.uint16, "Flags", base.HEX)
add("session.zone", ProtoField.uint8, "Zone")
add("session.wscale", ProtoField.uint8, "Window scale")
add("session.address", ProtoField.ipv4, "Address")
add("session.address6", ProtoField.ipv6, "Address")
add("session.port", ProtoField.uint16, "Port")
add("session.policy", ProtoField.uint32, "Policy", base.HEX)
add("session.idle", ProtoField.uint16, "Idle, s")
add("session.age", ProtoField.uint16, "Age, s")
add("session.end", ProtoField.uint32, "Highest sequence and length sent")
add("session.max_end", ProtoField.uint32, "Highest sequence it may send")
add("session.max_win", ProtoField.uint32, "Largest window offered")
add("session.outside", ProtoField.ipv4, "Address outside")
add("session.outside_port", ProtoField.uint16, "Port outside")
add("session.address_group", ProtoField.uint32, "Address group", base.HEX)
add("alg.alg", ProtoField.uint8, "ALG", base.DEC, alg_names)
add("alg.flags", ProtoField.uint8, "Flags", base.HEX)
add("alg.next", ProtoField.uint32, "Next message")
add("alg.shift", ProtoField.int32, "Shift")
add("alg.floor", ProtoField.uint32, "Floor")
add("edit.direction", ProtoField.uint8, "Direction")
add("edit.was", ProtoField.uint16, "Bytes replaced")
add("edit.begin", ProtoField.uint32, "Begin")
add("edit.shift", ProtoField.int32, "Shift in front")
add("edit.text", ProtoField.string, "Bytes in their place")
add("servermap.kind", ProtoField.uint8, "Kind", base.DEC, kind_names)
add("servermap.child_alg", ProtoField.uint8, "ALG of its session", base.DEC, alg_names)
add("servermap.zone", ProtoField.uint8, "Zone")
add("servermap.protocol", ProtoField.uint8, "Protocol")
add("servermap.family", ProtoField.uint8, "Family")
add("servermap.given", ProtoField.uint8, "Given", base.HEX)
add("servermap.uses", ProtoField.uint16, "Uses")
add("servermap.parent_generation", ProtoField.uint16, "Generation of the parent")
add("servermap.port", ProtoField.uint16, "Destination port")
add("servermap.to_port", ProtoField.uint16, "New destination port")
add("servermap.left_ms", ProtoField.uint32, "Time left, ms")
add("servermap.parent", ProtoField.uint32, "Parent session")
add("servermap.call", ProtoField.uint32, "Call")
add("blacklist.direction", ProtoField.uint8, "Direction", base.DEC, side_names)
add("blacklist.origin", ProtoField.uint8, "Origin", base.DEC, origin_names)
add("blacklist.family", ProtoField.uint8, "Family")
add("blacklist.prefix", ProtoField.uint8, "Bits of the prefix")
add("blacklist.left_ms", ProtoField.uint32, "Time left, ms")

add("trailer.magic", ProtoField.string, "Magic")
add("trailer.version", ProtoField.uint8, "Version")
add("trailer.algorithm", ProtoField.uint8, "Algorithm", base.DEC, algorithm_names)
add("trailer.key", ProtoField.uint16, "Key id")
add("trailer.life", ProtoField.uint64, "Life", base.HEX)
add("trailer.boot", ProtoField.uint32, "Boot, s")
add("trailer.epoch", ProtoField.uint32, "Role epoch")
add("trailer.data", ProtoField.bool, "Of HRP data")
add("trailer.sequence", ProtoField.uint64, "Sequence")
add("trailer.tag", ProtoField.bytes, "Tag")
add("encrypted", ProtoField.bytes, "Encrypted")

local list = {}
for _, field in pairs(f) do
	list[#list + 1] = field
end
twinwall.fields = list

local short = ProtoExpert.new("twinwall.short", "Shorter than its headers", expert.group.MALFORMED,
	expert.severity.ERROR)
local wrong_sum = ProtoExpert.new("twinwall.checksum_wrong", "Wrong checksum",
	expert.group.CHECKSUM, expert.severity.WARN)
twinwall.experts = { short, wrong_sum }

-- put: fields one behind the other; a row is { name, bytes }, without a name they are skipped.
-- => where they end
local function put(tree, b, at, rows)
	for _, row in ipairs(rows) do
		if row[1] then
			tree:add(f[row[1]], b(at, row[2]))
		end
		at = at + row[2]
	end
	return at
end

local function put_probe(tree, b)
	tree:add(f["probe.heard"], b(HEAD, 1))
	tree:add(f["probe.udp"], b(HEAD, 1))
	tree:add(f["probe.answer"], b(HEAD, 1))
	put(tree, b, HEAD, { { "probe.flags", 1 }, { "probe.slot", 1 }, { "probe.hello_ms", 2 },
		{ "probe.address", 4 }, { "probe.sequence", 4 }, { "probe.echo", 4 },
		{ "probe.clock_ms", 4 }, { "probe.name_crc", 4 } })
end

-- ---- records ----

local direction = { { "session.end", 4 }, { "session.max_end", 4 }, { "session.max_win", 4 } }
local how = { { "session.port", 2 }, { "session.port", 2 }, { "session.policy", 4 },
	{ "session.idle", 2 }, { "session.age", 2 } }
local outside = { { "session.outside", 4 }, { "session.outside", 4 }, { "session.outside_port", 2 },
	{ "session.outside_port", 2 }, { "session.address_group", 4 }, { "session.address_group", 4 } }

local function put_session(tree, b, at, six, translated)
	local address = six and { "session.address6", 16 } or { "session.address", 4 }

	at = put(tree, b, at, { { "session.protocol", 1 }, { "session.state", 1 },
		{ "session.flags", 2 }, { "session.zone", 1 }, { "session.zone", 1 },
		{ "session.wscale", 1 }, { "session.wscale", 1 }, address, address })
	at = put(tree, b, at, how)
	at = put(tree, b, at, direction)
	at = put(tree, b, at, direction)
	if translated then
		put(tree, b, at, outside)
	end
end

local function put_alg(tree, b, at)
	at = put(tree, b, at, { { "alg.alg", 1 }, { "alg.flags", 1 }, { nil, 2 } })
	for _ = 1, 2 do
		at = put(tree, b, at, { { "alg.next", 4 }, { "alg.shift", 4 }, { "alg.floor", 4 } })
	end
end

local function put_edit(tree, b, at, length)
	at = put(tree, b, at, { { "edit.direction", 1 }, { nil, 1 }, { "edit.was", 2 },
		{ "edit.begin", 4 }, { "edit.shift", 4 } })
	if length > 20 then
		tree:add(f["edit.text"], b(at, length - 20))
	end
end

local function put_servermap(tree, b, at)
	local family = b(at + 5, 1):uint()

	at = put(tree, b, at, { { "servermap.kind", 1 }, { "alg.alg", 1 }, { "servermap.child_alg", 1 },
		{ "servermap.zone", 1 }, { "servermap.protocol", 1 }, { "servermap.family", 1 },
		{ "servermap.given", 1 }, { nil, 1 }, { "servermap.uses", 2 },
		{ "servermap.parent_generation", 2 }, { "servermap.port", 2 }, { "servermap.to_port", 2 },
		{ "servermap.left_ms", 4 }, { "session.policy", 4 }, { "session.address_group", 4 },
		{ "servermap.parent", 4 }, { "servermap.call", 4 } })
	for _ = 1, 4 do
		if family == 6 then
			tree:add(f["session.address6"], b(at, 16))
		else
			tree:add(f["session.address"], b(at, 4))
		end
		at = at + 16
	end
end

local function put_blacklist(tree, b, at)
	local family = b(at + 2, 1):uint()

	at = put(tree, b, at, { { "blacklist.direction", 1 }, { "blacklist.origin", 1 },
		{ "blacklist.family", 1 }, { "blacklist.prefix", 1 }, { "blacklist.left_ms", 4 } })
	if family == 6 then
		tree:add(f["session.address6"], b(at, 16))
	else
		tree:add(f["session.address"], b(at, 4))
	end
end

-- By type: the whole length (at least), and who shows what is behind the first 8 bytes.
local records = {
	[1] = { 60, function(t, b, at) put_session(t, b, at, false, false) end },
	[2] = { 8, function() end },
	[3] = { 84, function(t, b, at) put_session(t, b, at, true, false) end },
	[4] = { 80, function(t, b, at) put_session(t, b, at, false, true) end },
	[5] = { 104, function(t, b, at) put_session(t, b, at, true, true) end },
	[6] = { 36, put_alg },
	[7] = { 20, put_edit },
	[8] = { 108, put_servermap },
	[9] = { 32, put_blacklist },
}

local function put_records(tree, b, at, last)
	while at + RECORD <= last do
		local kind, length = b(at, 1):uint(), b(at + 1, 1):uint()

		if length < RECORD or at + length > last then
			tree:add_proto_expert_info(short)
			return
		end
		local branch = tree:add(twinwall, b(at, length), string.format("%s %u",
			record_names[kind] or "record", b(at + 4, 4):uint()))
		put(branch, b, at, { { "record", 1 }, { "record.length", 1 },
			{ "record.generation", 2 }, { "record.index", 4 } })
		local known = records[kind]
		if known and length >= known[1] then
			known[2](branch, b, at + RECORD, length)
		elseif length > RECORD then
			branch:add(f["record.unknown"], b(at + RECORD, length - RECORD))
		end
		at = at + length
	end
	if at < last then
		tree:add_proto_expert_info(short)
	end
end

-- ---- HRP data ----

local bulk = { { "round", 4 }, { "capacity", 4 }, { "count", 4 }, { "tables", 2 }, { nil, 2 },
	{ "digest", 8 } }
local part = { { "first_place", 4 }, { "places", 4 }, { "count", 4 }, { "number", 4 },
	{ "digest", 8 }, { "content", 8 } }
local function put_part(t, b, at)
	put(t, b, at, part)
end
local function put_nack(t, b, at)
	put(t, b, at, { { "reason", 1 }, { nil, 1 }, { "tables", 2 } })
	local code = b(at + 1, 1):uint()
	t:add(f.longest, b(at + 1, 1), code <= 200 and code * 8 or 1600 + (code - 200) * 160)
	for _, name in ipairs({ "half", "parts", "all_parts" }) do
		t:add(f[name], b(at + 2, 2))
	end
end
local data_body = {
	[1] = put_records,
	[4] = function(t, b, at)
		put(t, b, at, bulk)
		t:add(f.half, b(at + 12, 2))
	end,
	[5] = function(t, b, at) put(t, b, at, bulk) end,
	[6] = function(t, b, at, last) t:add(f.bitmap, b(at, last - at)) end,
	[7] = put_nack,
	[8] = function(t, b, at) put(t, b, at, bulk) end,
	[9] = put_part, [10] = put_part, [11] = put_part, [12] = put_part,
}
local data_bytes = { [4] = 24, [5] = 24, [6] = 32, [7] = 4, [8] = 24,
	[9] = 32, [10] = 32, [11] = 32, [12] = 32 }

-- => what to say in a line
local function put_config(tree, b, at, last)
	local kind = b(at, 1):uint()

	at = put(tree, b, at, { { "config.kind", 1 }, { "config.role", 1 }, { "config.flags", 1 },
		{ "config.result", 1 }, { "config.transfer", 4 }, { "config.generation", 4 },
		{ "config.digest", 8 }, { "config.size", 4 }, { "config.offset", 4 } })
	if at < last then
		tree:add(f["config.text"], b(at, last - at))
	end
	return "HRP CONFIG " .. (config_names[kind] or kind)
end

-- => likewise
local function put_data(tree, b, last)
	local at = HEAD + VGMP
	local op, module = b(at + 8, 1):uint(), b(at + 4, 2):uint()

	put(tree, b, at, { { "source_module", 2 }, { "sub_module", 2 }, { "module", 2 }, { nil, 2 },
		{ "op", 1 }, { "flags", 1 }, { "records", 2 }, { "sequence", 4 }, { "fragment", 2 },
		{ "fragments", 2 }, { "length", 4 } })
	if op == 3 then
		if last - at < HRP_HEADER + CONFIG then
			tree:add_proto_expert_info(short)
			return "HRP CONFIG"
		end
		return put_config(tree, b, at + HRP_HEADER, last)
	end
	at = put(tree, b, at + HRP_HEADER, { { "stream", 4 }, { "first", 4 } })
	if last - at < (data_bytes[op] or 0) then
		tree:add_proto_expert_info(short)
	elseif data_body[op] then
		data_body[op](tree, b, at, last)
	end
	return string.format("HRP %s %s %u", module_names[module] or module, op_names[op] or op,
		b(HEAD + VGMP + 12, 4):uint())
end

local function put_vgmp(tree, b, last)
	local vtype, at = b(HEAD, 1):uint(), HEAD

	at = put(tree, b, at, { { "vtype", 1 }, { "mode", 1 }, { "group", 1 }, { "state", 1 },
		{ "priority", 4 }, { nil, 2 }, { "vgmp_op", 1 }, { "result", 1 },
		{ "members", 2 }, { "failed", 2 } })
	local id = b(HEAD + 8, 2) -- or what an announcement has in its place
	if b(HEAD + 1, 1):uint() ~= 0 then
		tree:add(f.request_id, id)
	elseif vtype == 2 then
		tree:add(f.mark, id)
	elseif vtype == 1 then
		tree:add(f.patience_ms, id, id:uint() * 10)
	end
	if vtype == 2 and last - at >= 24 then
		put(tree, b, at, { { "hello.epoch", 4 }, { "hello.config_role", 1 },
			{ "hello.flags", 1 }, { "hello.hello_ms", 2 }, { "hello.sessions", 4 },
			{ "hello.config_generation", 4 }, { "hello.config_digest", 8 } })
	elseif vtype == 3 and last - at >= HRP_HEADER + STREAM_HEAD then
		return put_data(tree, b, last)
	elseif vtype ~= 1 then
		tree:add_proto_expert_info(short)
	end
	return string.format("%s: %s, %s", vtype_names[vtype] or "vType " .. vtype,
		group_names[b(HEAD + 2, 1):uint()] or "no group",
		state_names[b(HEAD + 3, 1):uint()] or "no state")
end

local function put_trailer(tree, b, at)
	local branch = tree:add(twinwall, b(at, TRAILER), "Trailer")
	local high = b(at + 24, 4):uint()

	put(branch, b, at, { { "trailer.magic", 4 }, { "trailer.version", 1 },
		{ "trailer.algorithm", 1 }, { "trailer.key", 2 }, { "trailer.life", 8 },
		{ "trailer.boot", 4 }, { "trailer.epoch", 4 } })
	branch:add(f["trailer.data"], b(at + 24, 8), high >= 0x80000000)
	branch:add(f["trailer.sequence"], b(at + 24, 8),
		UInt64.new(b(at + 28, 4):uint(), high % 0x80000000))
	branch:add(f["trailer.tag"], b(at + 32, 16))
end

local function checksum_good(b)
	local sum, n = 0, b:len()

	for at = 0, n - 2, 2 do
		sum = sum + b(at, 2):uint()
	end
	if n % 2 == 1 then
		sum = sum + b(n - 1, 1):uint() * 256
	end
	while sum > 0xffff do
		sum = math.floor(sum / 65536) + sum % 65536
	end
	return sum == 0xffff
end

function twinwall.dissector(b, pinfo, root)
	local n = b:len()
	local tree = root:add(twinwall, b())

	pinfo.cols.protocol = "TWINWALL"
	if n < HEAD + TRAILER or b(n - TRAILER, 4):string() ~= "HRP1" then
		tree:add_proto_expert_info(short)
		return n
	end
	local type2, last = b(2, 1):uint(), n - TRAILER
	local good = checksum_good(b)
	local line = type2_names[type2] or "Type2 " .. type2

	put(tree, b, 2, { { "type2", 1 }, { nil, 1 }, { "auth", 1 }, { "interval", 1 },
		{ "checksum", 2 } })
	tree:add(f.checksum_good, b(6, 2), good)
	if not good then
		tree:add_proto_expert_info(wrong_sum)
	end
	if b(last + 5, 1):uint() == 2 and last > HEAD then
		line = line .. ", encrypted"
		tree:add(f.encrypted, b(HEAD, last - HEAD))
	elseif type2 == 1 and last >= HEAD + 24 then
		put_probe(tree, b)
	elseif type2 == 2 and last >= HEAD + VGMP then
		line = put_vgmp(tree, b, last)
	elseif type2 == 1 or type2 == 2 then
		tree:add_proto_expert_info(short)
	end
	put_trailer(tree, b, last)
	pinfo.cols.info = line
	tree:append_text(", " .. line)
	return n
end

-- ---- where they are found ----

local vrrp = Dissector.get("vrrp")
local either = Proto("twinwall_or_vrrp", "Twinwall HA, or VRRP")

function either.dissector(b, pinfo, root)
	if b:len() > 0 and b(0, 1):uint() == VERSION_TYPE then
		return twinwall.dissector(b, pinfo, root)
	end
	return vrrp:call(b, pinfo, root)
end

DissectorTable.get("ip.proto"):add(VRRP, either)
DissectorTable.get("udp.port"):add(UDP_PORT, twinwall)
