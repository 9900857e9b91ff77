import torch
from timm.models.vision_transformer import Block

from models.decoder import block_at
from models.masking import take


def test_a_block_at_some_places_is_the_block_at_all_read_there() -> None:
    torch.manual_seed(0)
    block = Block(12, 3, qkv_bias=True)
    tokens = torch.randn(2, 7, 12)
    places = torch.tensor([[6, 1, 2], [0, 3, 3]])
    assert torch.allclose(block_at(block, tokens, places), take(block(tokens), places), atol=1e-6)
